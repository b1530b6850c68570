/* SPDX-License-Identifier: Apache-2.0 */
/* Items of deny lists: what is one, and what is wrong with what is none. What the kernel makes of them:
 * test-bpf-deny.c. And what the process before has left, which is not believed.
 */
#include "capture/enforcer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/macro.h"
#include "capture/enforcer-private.h"
#include "capture/hooks.h"
#include "capture/keep.h"

#include "unit.h"

static int check_address(const char *item, char why[static 256]) {
        const struct capture_deny deny = {.addresses = {.items = &item, .n = 1}};

        return enforcer_check(&deny, why, 256);
}

static int check_file(const char *item, char why[static 256]) {
        const struct capture_deny deny = {.files = {.items = &item, .n = 1}};

        return enforcer_check(&deny, why, 256);
}

START_TEST(addresses_and_networks_of_both_families_are_taken) {
        static const char *const good[] = {
                "203.0.113.7", "10.0.0.0/8", "0.0.0.0/0", "2001:db8::1", "2001:db8::/32", "::/0", "::ffff:1.2.3.4",
                "::ffff:1.2.3.0/120", "192.0.2.77/24",
        };
        char why[256];

        for (size_t i = 0; i < ELEMENTSOF(good); i++)
                ck_assert_msg(check_address(good[i], why) == 0, "%s: %s", good[i], why);
}
END_TEST

START_TEST(what_is_no_address_is_refused_by_name) {
        static const char *const bad[] = {
                "",
                "no",
                "10.0.0",
                "10.0.0.0/33",
                "10.0.0.0/",
                "10.0.0.0/-1",
                "10.0.0.0/ 8",
                "10.0.0.0/8x",
                "2001:db8::/129",
                "300.1.1.1",
                "example.org",
                "/8",
                "1111111111111111111111111111111111111111111111111111111111111111",
        };
        char why[256];

        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                ck_assert_msg(check_address(bad[i], why) == -EINVAL, "%s", bad[i]);
                ck_assert_ptr_nonnull(strstr(why, "deny.addresses: '"));
                ck_assert_ptr_nonnull(strstr(why, bad[i]));
        }
}
END_TEST

START_TEST(paths_directories_and_names_are_taken_and_what_would_be_never_or_everything_is_not) {
        static const char *const good[] = {"/usr/bin/nc", "/tmp/", "/tmp/.x/", "nc", "nc.traditional"};
        static const struct {
                const char *item, *why;
        } bad[] = {
                {"", "everything"},
                {"/", "everything"},
                {"usr/bin/nc", "absolute"},
                {"./nc", "absolute"},
                {"/usr//bin/nc", "as the kernel"},
                {"/usr/../bin", "as the kernel"},
                {"/tmp/*", "pattern"},
                {"n?", "pattern"},
        };
        char why[256], text[300];

        for (size_t i = 0; i < ELEMENTSOF(good); i++)
                ck_assert_msg(check_file(good[i], why) == 0, "%s: %s", good[i], why);
        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                ck_assert_msg(check_file(bad[i].item, why) == -EINVAL, "%s", bad[i].item);
                ck_assert_ptr_nonnull(strstr(why, bad[i].why));
        }

        /* As long as the kernel's tables hold. */
        memset(text, 'x', sizeof(text));
        text[63] = 0;
        ck_assert_int_eq(check_file(text, why), 0);
        text[63] = 'x';
        text[64] = 0;
        ck_assert_int_eq(check_file(text, why), -EINVAL);
        memset(text, 'x', sizeof(text));
        text[0] = '/';
        text[247] = 0;
        ck_assert_int_eq(check_file(text, why), 0);
        text[247] = 'x';
        text[248] = 0;
        ck_assert_int_eq(check_file(text, why), -EINVAL);
}
END_TEST

/* Descriptors, none of which is what it should be; the papers are these bytes. */
static struct bequest *leave(unsigned which, const void *papers, size_t size) {
        struct bequest *before = calloc(1, sizeof(*before));
        int fd = memfd_create("papers", MFD_CLOEXEC);

        ck_assert_ptr_nonnull(before);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(write(fd, papers, size), (ssize_t)size);
        for (uint16_t i = 0; i < 3; i++)
                before->items[before->n++] = (struct keep_item){
                        KEEP_ENFORCER_LINK, (uint16_t)(which << 8 | i), open("/dev/null", O_RDONLY | O_CLOEXEC)};
        for (uint16_t i = 0; i < _ENFORCER_PARTS; i++)
                before->items[before->n++] = (struct keep_item){
                        KEEP_ENFORCER_PART, (uint16_t)(which << 8 | i), fcntl(fd, F_DUPFD_CLOEXEC, 3)};
        close(fd);
        return before;
}

static int first_free(void) {
        int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

        close(fd);
        return fd;
}

START_TEST(what_the_process_before_left_is_not_believed_and_ends_when_it_is_let_go) {
        static const char nothing[512] = {}, long_one[2 << 20] = {};
        static char garbage[512];
        const struct {
                const char *bytes;
                size_t size;
        } all[] = {{"", 0},
                   {"x", 1},
                   {nothing, sizeof(nothing)},
                   {garbage, sizeof(garbage)},
                   {long_one, sizeof(long_one)}};
        int fd = first_free();

        memset(garbage, 0xff, sizeof(garbage));
        for (size_t i = 0; i < ELEMENTSOF(all); i++) {
                struct bequest *before = leave(1, all[i].bytes, all[i].size);
                struct capture_deny_stats stats = {};
                struct keep_item items[ENFORCER_MAX_ITEMS];
                struct enforcer *enforcer;

                ck_assert_int_eq(enforcer_inherit(before, 0, &enforcer), 0);
                ck_assert_ptr_null(enforcer);
                ck_assert_int_eq(enforcer_inherit(before, 1, &enforcer), 0);
                ck_assert_ptr_nonnull(enforcer);
                bequest_free(before);

                /* Still in force, and still there for another. */
                ck_assert(!enforcer_is_over(enforcer));
                ck_assert_uint_eq(enforcer_put_items(enforcer, 1, items), 3 + _ENFORCER_PARTS);
                ck_assert_uint_eq(enforcer_read(enforcer, UINT64_MAX, 10, NULL, NULL), 0);
                enforcer_stats(enforcer, &stats);
                ck_assert_mem_eq(&stats, &(struct capture_deny_stats){}, sizeof(stats));
                enforcer_detach(enforcer);
                ck_assert(enforcer_is_over(enforcer));
                enforcer_free(enforcer);
                ck_assert_int_eq(first_free(), fd);
        }
}
END_TEST

UNIT_MAIN("capture/enforcer",
          what_the_process_before_left_is_not_believed_and_ends_when_it_is_let_go,
          addresses_and_networks_of_both_families_are_taken,
          what_is_no_address_is_refused_by_name,
          paths_directories_and_names_are_taken_and_what_would_be_never_or_everything_is_not)
