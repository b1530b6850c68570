/* SPDX-License-Identifier: Apache-2.0 */
/* Items of deny lists: what is one, and what is wrong with what is none. What the kernel makes of them:
 * test-bpf-deny.c.
 */
#include "capture/enforcer.h"

#include <errno.h>
#include <string.h>

#include "base/macro.h"

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

UNIT_MAIN("capture/enforcer",
          addresses_and_networks_of_both_families_are_taken,
          what_is_no_address_is_refused_by_name,
          paths_directories_and_names_are_taken_and_what_would_be_never_or_everything_is_not)
