/* SPDX-License-Identifier: Apache-2.0 */
#include "script/script-set.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/strbuf.h"

#include "unit.h"

static char root[64];

static void put(const char *name, const char *text) {
        char path[256];
        int fd;

        snprintf(path, sizeof(path), "%s/%s", root, name);
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(fd_write_full(fd, text, strlen(text)), 0);
        close(fd);
}

static void make_places(void) {
        char path[128];

        strcpy(root, "/tmp/execray-scripts-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(root));
        for (size_t i = 0; i < 2; i++) {
                snprintf(path, sizeof(path), "%s/%s", root, i == 0 ? "etc" : "usr");
                ck_assert_int_eq(mkdir(path, 0755), 0);
        }
}

static void remove_places(void) {
        char command[128];

        snprintf(command, sizeof(command), "rm -r %s", root);
        ck_assert_int_eq(system(command), 0);
}

static int load(struct strbuf *messages, struct script_set **ret) {
        static const struct script_set_options options = {
                .limits = {.memory_bytes = 4 * MIB, .instructions = 100000, .time_ns = NSEC_PER_SEC, .data_bytes = MIB},
                .trust_any_owner = true,
                .skip_missing = true,
        };
        char etc[128], usr[128];
        const char *const places[] = {etc, usr, "/nonexistent/lua"};

        snprintf(etc, sizeof(etc), "%s/etc", root);
        snprintf(usr, sizeof(usr), "%s/usr", root);
        return script_set_load(places, ELEMENTSOF(places), &options, messages, ret);
}

START_TEST(a_script_of_the_administrator_stands_for_the_one_of_its_name) {
        _cleanup_(script_set_freep) struct script_set *set = NULL;
        _cleanup_(strbuf_done) struct strbuf messages = {};
        enum script_kind kind;
        char path[128];

        make_places();
        put("usr/notify.lua", "responder('notify', print)");
        put("usr/user.lua", "enricher('user', print)");
        put("usr/off.lua", "this is not Lua");
        put("usr/readme.txt", "nor is this");
        put("etc/notify.lua", "responder('notify-us', print)");
        snprintf(path, sizeof(path), "%s/etc/off.lua", root);
        ck_assert_int_eq(symlink("/dev/null", path), 0);

        ck_assert_msg(load(&messages, &set) == 0, "%s", strbuf_str(&messages));
        ck_assert_uint_eq(script_set_count(set), 2);
        ck_assert_ptr_nonnull(script_set_find(set, "notify-us", &kind));
        ck_assert_int_eq(kind, SCRIPT_RESPONDER);
        ck_assert_ptr_nonnull(script_set_find(set, "user", &kind));
        ck_assert_int_eq(kind, SCRIPT_ENRICHER);
        ck_assert_ptr_null(script_set_find(set, "notify", &kind));
        remove_places();
}
END_TEST

START_TEST(one_that_is_wrong_and_there_is_no_set) {
        _cleanup_(strbuf_done) struct strbuf messages = {};
        struct script_set *set = NULL;

        make_places();
        put("etc/a.lua", "responder('a', print)");
        put("etc/b.lua", "\nlocal x = \n");
        put("usr/c.lua", "responder('a', print)");
        ck_assert_int_eq(load(&messages, &set), -EBADMSG);
        ck_assert_ptr_null(set);
        ck_assert_msg(strstr(strbuf_str(&messages), "etc/b.lua:3:"), "%s", strbuf_str(&messages));
        ck_assert_ptr_nonnull(strstr(strbuf_str(&messages), "'a' is there already, in "));
        remove_places();
}
END_TEST

START_TEST(no_place_at_all_is_an_empty_set) {
        static const struct script_set_options options = {.skip_missing = true};
        static const char *const places[] = {"/nonexistent/lua"};
        _cleanup_(script_set_freep) struct script_set *set = NULL;
        _cleanup_(strbuf_done) struct strbuf messages = {};

        ck_assert_int_eq(script_set_load(places, 1, &options, &messages, &set), 0);
        ck_assert_uint_eq(script_set_count(set), 0);
}
END_TEST

UNIT_MAIN("script/script-set",
          a_script_of_the_administrator_stands_for_the_one_of_its_name,
          one_that_is_wrong_and_there_is_no_set,
          no_place_at_all_is_an_empty_set)
