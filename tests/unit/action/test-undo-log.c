/* SPDX-License-Identifier: Apache-2.0 */
#include "action/undo-log.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <unistd.h>

#include "base/strbuf.h"

#include "unit.h"

#define HEAD "execray-response 1\n"
#define RIGHT HEAD "state=done\naction=quarantine\nat=5\nwhat=w\n"

static void fill(struct undo_entry *entry) {
        undo_entry_init(entry);
        entry->action = "quarantine";
        entry->what = "quarantine path=/tmp/a";
        entry->at_ns = 17;
        entry->alert = "a line\nand another \\ one";
        ck_assert_int_eq(undo_entry_add(entry, "path", "/tmp/a=b\x01\xff\\x41"), 0);
        ck_assert_int_eq(undo_entry_add_u64(entry, "uid", 1000), 0);
        ck_assert_int_eq(undo_entry_add(entry, "path", "second"), 0);
}

static void parses(const char *text, int expected) {
        struct undo_entry entry;
        int r;

        r = undo_entry_parse(text, strlen(text), &entry);
        ck_assert_msg(r == expected, "%d for: %s", r, text);
        if (r >= 0)
                undo_entry_done(&entry);
}

START_TEST(what_was_put_reads_back_the_same) {
        _cleanup_(undo_entry_done) struct undo_entry entry, again;
        _cleanup_(strbuf_done) struct strbuf b = {}, c = {};
        uint64_t uid;

        fill(&entry);
        undo_entry_put(&entry, &b);
        ck_assert_int_eq(undo_entry_parse(b.data, b.n, &again), 0);
        ck_assert_str_eq(undo_entry_get(&again, "path"), "/tmp/a=b\x01\xff\\x41");
        ck_assert_str_eq(again.alert, "a line\nand another \\ one");
        ck_assert_ptr_null(again.policy);
        ck_assert_int_eq(undo_entry_get_u64(&again, "uid", UINT32_MAX, &uid), 0);
        ck_assert_uint_eq(uid, 1000);
        ck_assert_int_eq(undo_entry_get_u64(&again, "uid", 10, &uid), -ERANGE);
        ck_assert_int_eq(undo_entry_get_u64(&again, "gid", 10, &uid), -ENODATA);
        undo_entry_put(&again, &c);
        ck_assert_str_eq(strbuf_str(&b), strbuf_str(&c));
}
END_TEST

START_TEST(what_nobody_wrote_like_that_is_refused) {
        parses(RIGHT, 0);
        parses(RIGHT "key=\n", 0);
        parses("", -EBADMSG);
        parses(HEAD, -EBADMSG);
        parses("execray-response 2\nstate=done\naction=x\nat=5\nwhat=w\n", -EBADMSG);
        parses(HEAD "state=gone\naction=x\nat=5\nwhat=w\n", -EBADMSG);
        parses(HEAD "state=done\nstate=done\naction=x\nat=5\nwhat=w\n", -EBADMSG);
        parses(HEAD "state=done\naction=x\nat=-5\nwhat=w\n", -EBADMSG);
        parses(HEAD "state=done\naction=x\nat=5\n", -EBADMSG);
        parses(RIGHT "no end", -EBADMSG);
        parses(RIGHT "no equals\n", -EBADMSG);
        parses(RIGHT "KEY=x\n", -EBADMSG);
        parses(RIGHT "=x\n", -EBADMSG);
        parses(RIGHT "k=\\x4\n", -EBADMSG);
        parses(RIGHT "k=\\x41\n", -EBADMSG);
        parses(RIGHT "k=\\x00\n", -EBADMSG);
        parses(RIGHT "k=\\n\n", -EBADMSG);
        parses(RIGHT "k=a\tb\n", -EBADMSG);
}
END_TEST

START_TEST(bounds_are_met_where_it_is_made) {
        static char longer[UNDO_MAX_VALUE + 2];
        _cleanup_(undo_entry_done) struct undo_entry entry;

        undo_entry_init(&entry);
        memset(longer, 'x', sizeof(longer) - 1);
        ck_assert_int_eq(undo_entry_add(&entry, "key", longer), -E2BIG);
        ck_assert_int_eq(undo_entry_add(&entry, "state", "done"), -EINVAL);
        ck_assert_int_eq(undo_entry_add(&entry, "a b", "x"), -EINVAL);
        for (int i = 0; i < UNDO_MAX_PAIRS; i++)
                ck_assert_int_eq(undo_entry_add(&entry, "key", "x"), 0);
        ck_assert_int_eq(undo_entry_add(&entry, "key", "x"), -E2BIG);
}
END_TEST

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw) {
        return remove(path);
}

START_TEST(a_log_gives_numbers_that_go_on_after_it_was_opened_again) {
        char directory[] = "/tmp/execray-undo-XXXXXX";
        _cleanup_(undo_entry_done) struct undo_entry entry, again;
        _cleanup_(freep) uint64_t *ids = NULL;
        struct undo_log log;
        size_t n;

        ck_assert_ptr_nonnull(mkdtemp(directory));
        fill(&entry);
        ck_assert_int_eq(undo_log_open(&log, directory, 100), 0);
        for (uint64_t i = 1; i <= 12; i++) {
                ck_assert_int_eq(undo_log_add(&log, &entry), 0);
                ck_assert_uint_eq(entry.id, i);
        }
        undo_log_close(&log);
        ck_assert_int_eq(undo_log_open(&log, directory, 100), 0);
        ck_assert_int_eq(undo_log_add(&log, &entry), 0);
        ck_assert_uint_eq(entry.id, 13);
        ck_assert_int_eq(undo_log_list(&log, &ids, &n), 0);
        ck_assert_uint_eq(n, 13);
        ck_assert_uint_eq(ids[9], 10);
        ck_assert_int_eq(undo_log_read(&log, 10, &again), 0);
        ck_assert_uint_eq(again.id, 10);
        ck_assert_str_eq(again.what, "quarantine path=/tmp/a");
        undo_log_close(&log);
        ck_assert_int_eq(nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}
END_TEST

START_TEST(a_full_log_forgets_what_was_undone_and_refuses_if_nothing_was) {
        char directory[] = "/tmp/execray-undo-XXXXXX";
        struct undo_entry entry, again;
        struct undo_log log;

        ck_assert_ptr_nonnull(mkdtemp(directory));
        fill(&entry);
        ck_assert_int_eq(undo_log_open(&log, directory, 3), 0);
        for (int i = 0; i < 3; i++) {
                entry.state = UNDO_DONE;
                ck_assert_int_eq(undo_log_add(&log, &entry), 0);
        }
        ck_assert_int_eq(undo_log_add(&log, &entry), -ENOSPC);
        entry.id = 2;
        entry.state = UNDO_UNDONE;
        ck_assert_int_eq(undo_log_write(&log, &entry), 0);
        entry.state = UNDO_DONE;
        ck_assert_int_eq(undo_log_add(&log, &entry), 0);
        ck_assert_uint_eq(entry.id, 4);
        ck_assert_int_eq(undo_log_read(&log, 2, &again), -ENOENT);
        ck_assert_int_eq(undo_log_add(&log, &entry), -ENOSPC);
        undo_entry_done(&entry);
        undo_log_close(&log);
        ck_assert_int_eq(nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}
END_TEST

START_TEST(a_directory_that_others_may_write_to_is_not_trusted) {
        char directory[] = "/tmp/execray-undo-XXXXXX";
        struct undo_log log;

        ck_assert_ptr_nonnull(mkdtemp(directory));
        ck_assert_int_eq(chmod(directory, 0777), 0);
        ck_assert_int_eq(undo_log_open(&log, directory, 3), -EPERM);
        ck_assert_int_eq(rmdir(directory), 0);
}
END_TEST

UNIT_MAIN("action/undo-log", what_was_put_reads_back_the_same, what_nobody_wrote_like_that_is_refused,
          bounds_are_met_where_it_is_made, a_log_gives_numbers_that_go_on_after_it_was_opened_again,
          a_full_log_forgets_what_was_undone_and_refuses_if_nothing_was,
          a_directory_that_others_may_write_to_is_not_trusted)
