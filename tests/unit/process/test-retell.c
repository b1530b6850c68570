/* SPDX-License-Identifier: Apache-2.0 */
#include "process/retell.h"

#include <errno.h>

#include "feed.h"
#include "base/macro.h"
#include "unit.h"

static struct process_table *table, *copy;
static struct record record;
static unsigned n_told, fail_at;

static const struct process_table_limits limits = {
        .max_processes = 100,
        .max_image_bytes = 1 << 20,
        .max_cgroups = 8,
        .grace_ns = 10 * FEED_SECOND,
};

static int on_record(const struct event *event, void *userdata) {
        if (++n_told == fail_at)
                return -EIO;
        if (event_kind(event) == WIRE_KIND_container) {
                struct value id;

                event_get(event, FIELD_container_id, &id);
                ck_assert_uint_eq(id.length, 64);
                ck_assert_int_eq(memcmp(id.bytes, "0123456789abcdef", 16), 0);
        }
        ck_assert(event->wire->flags & WIRE_SYNTHETIC);
        ck_assert_ptr_null(process_table_update(copy, event) && event_kind(event) != WIRE_KIND_container ? table
                                                                                                         : NULL);
        return 0;
}

static void setup(void) {
        static const char *const argv[] = {"sshd", "-D", NULL};

        n_told = fail_at = 0;
        ck_assert_int_eq(process_table_new(&limits, &table), 0);
        ck_assert_int_eq(process_table_new(&limits, &copy), 0);
        feed_cgroup(table, 9, "/");
        feed_cgroup(table, 7,
                    "/system.slice/docker-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef.scope");
        feed_begin(WIRE_KIND_container, (struct identity){});
        record_set_number(&feed_record, FIELD_container_cgroup, 7);
        record_set_text(&feed_record, FIELD_container_runtime, "docker");
        record_set_text(&feed_record, FIELD_container_name, "web");
        (void)feed_send(table);
        feed_process(table, 1, 0, "/sbin/init");
        feed_supervisor(table, 100, 1, "/usr/sbin/sshd");
        (void)feed_exec_argv(table, 100, "/usr/sbin/sshd", argv);
        for (uint32_t pid = 200; pid < 240; pid++) {
                feed_header.uid = pid;
                feed_header.loginuid = 1000;
                feed_header.cgroup_id = pid % 2 ? 7 : 9;
                (void)feed_fork(table, pid == 200 ? 100 : pid - 1, pid);
                feed_header.uid = pid;
                feed_header.loginuid = 1000;
                feed_header.cgroup_id = pid % 2 ? 7 : 9;
                (void)feed_open(table, pid);
                if (pid % 3 == 0)
                        (void)feed_exec(table, pid, "/usr/bin/tool");
        }
        feed_exit(table, 210);          /* an ancestor */
        feed_exit(table, 239);          /* of nobody */
}

static void teardown(void) {
        table = process_table_free(table);
        copy = process_table_free(copy);
}

static bool same_value(const struct value *a, const struct value *b) {
        if (a->type != b->type || a->state != b->state || a->state == VALUE_UNKNOWN)
                return a->state == b->state;
        switch (a->type) {
        case VALUE_STRING:
        case VALUE_LIST: return a->length == b->length && memcmp(a->bytes, b->bytes, a->length) == 0;
        case VALUE_NUMBER: return a->number == b->number;
        case VALUE_IDENTITY: return identity_equal(&a->identity, &b->identity);
        default: return true;
        }
}

START_TEST(a_table_that_is_told_knows_the_same) {
        unsigned n = 0;

        setup();
        ck_assert_int_eq(retell_table(table, feed_now, &record, on_record, NULL), 0);
        for (const struct process *p = process_table_next(table, NULL); p; p = process_table_next(table, p)) {
                const struct process *q = process_table_find(copy, &p->id);

                if (p->id.pid == 239) {
                        ck_assert_ptr_null(q);
                        continue;
                }
                n++;
                ck_assert_ptr_nonnull(q);
                ck_assert(identity_equal(&p->creator, &q->creator) && identity_equal(&p->tree, &q->tree));
                ck_assert_int_eq(p->supervisor, q->supervisor);
                ck_assert_int_eq(p->before_us, q->before_us);
                ck_assert_int_eq(process_image_is_before_us(p->image), process_image_is_before_us(q->image));
                for (unsigned field = _FIELD_PROCESS_BEFORE + 1; field < _FIELD_MAX; field++) {
                        struct value a, b;

                        if (field == FIELD_PROCESS_filename || field == FIELD_PROCESS_name)
                                continue;       /* not in such a record */
                        process_get(p, NULL, field, &a);
                        process_get(q, NULL, field, &b);
                        ck_assert_msg(same_value(&a, &b), "%s of %u", schema_field((enum field)field)->name, p->id.pid);
                }
        }
        ck_assert_uint_eq(n, 41);
        ck_assert_ptr_eq(process_table_creator(copy, find(copy, 211), NULL), find(copy, 210));
        teardown();
}
END_TEST

START_TEST(arguments_that_do_not_fit_are_left_out_and_the_process_is_not) {
        static char long_one[WIRE_MAX_RECORD - 1000];
        const char *const argv[] = {long_one, NULL};
        struct value value;

        setup();
        memset(long_one, 'x', sizeof(long_one) - 1);
        (void)feed_exec_argv(table, 220, "/usr/bin/long", argv);
        ck_assert_int_eq(retell_table(table, feed_now, &record, on_record, NULL), 0);
        process_get(find(copy, 220), NULL, FIELD_PROCESS_exe, &value);
        ck_assert(value.state == VALUE_KNOWN && memeq_str(value.bytes, value.length, "/usr/bin/long"));
        teardown();
}
END_TEST

START_TEST(who_is_told_may_stop_it) {
        setup();
        fail_at = 5;
        ck_assert_int_eq(retell_table(table, feed_now, &record, on_record, NULL), -EIO);
        ck_assert_uint_eq(n_told, 5);
        teardown();
}
END_TEST

UNIT_MAIN("process/retell", a_table_that_is_told_knows_the_same,
          arguments_that_do_not_fit_are_left_out_and_the_process_is_not, who_is_told_may_stop_it)
