/* SPDX-License-Identifier: Apache-2.0 */
#include "report/report-ecs.h"

#include <jansson.h>

#include "../unit.h"

#include "base/strbuf.h"
#include "report/host.h"
#include "report/report-json.h"
#include "sample-alert.h"

static const struct host host = {.name = "web1", .machine_id = "0123456789abcdef0123456789abcdef", .boot_id = "b007"};

static struct strbuf json, ecs;

static const char *print(const struct alert *alert) {
        strbuf_clear(&json);
        strbuf_clear(&ecs);
        report_json_alert(alert, &json);
        report_ecs_alert(alert, strbuf_str(&json), json.n, &ecs);
        ck_assert_int_eq(ecs.error, 0);
        return strbuf_str(&ecs);
}

/* The number that an object has at the end of these keys, or the word; "a.b" are two keys. */
static json_t *find(json_t *object, const char *path) {
        char key[64];

        while (object && *path) {
                size_t n = strcspn(path, ".");

                snprintf(key, sizeof(key), "%.*s", (int)n, path);
                object = json_object_get(object, key);
                path += n + (path[n] == '.');
        }
        return object;
}

START_TEST(every_field_of_the_table_has_what_the_alert_says) {
        static const char *const words[][2] = {
                {"@timestamp", "2023-11-14T22:13:20.417000000Z"},
                {"ecs.version", REPORT_ECS_VERSION},
                {"agent.type", "execrayd"},
                {"message", "A file is written and run by the same activity"},
                {"event.kind", "alert"},
                {"event.module", "execrayd"},
                {"event.dataset", "execrayd.alert"},
                {"event.id", "0123456789abcdef0123456789abcdef-1700000000417000000-3"},
                {"event.action", "dropped_and_run"},
                {"event.reason", "A file is written and run by the same activity"},
                {"event.start", "2023-11-14T22:13:19.417000000Z"},
                {"event.end", "2023-11-14T22:13:20.417000000Z"},
                {"rule.name", "dropped_and_run"},
                {"threat.framework", "MITRE ATT&CK"},
                {"host.hostname", "web1"},
                {"host.id", "0123456789abcdef0123456789abcdef"},
                {"host.boot.id", "b007"},
                {"process.executable", "/tmp/x"},
                {"process.command_line", "/tmp/x -i"},
                {"process.parent.name", "systemd"},
                {"user.id", "33"},
                {"user.group.id", "33"},
                {"service.name", "nginx.service"},
                {"file.path", "/tmp/x"},
                {"destination.ip", "198.51.100.7"},
        };
        struct alert alert = sample_alert();
        char *text;
        json_t *root;

        alert.host = &host;
        alert.steps[0].fields[2] = (struct alert_field){
                .name = "daddr", .field = FIELD_connect_daddr, .known = true, .text = sample_text("198.51.100.7")};
        root = json_loads(print(&alert), JSON_REJECT_DUPLICATES, NULL);
        ck_assert_ptr_nonnull(root);
        for (size_t i = 0; i < ELEMENTSOF(words); i++) {
                const char *found = json_string_value(find(root, words[i][0]));

                ck_assert_msg(found && streq(found, words[i][1]), "%s is %s", words[i][0], found);
        }
        ck_assert_int_eq(json_integer_value(find(root, "event.severity")), 73);
        ck_assert_int_eq(json_integer_value(find(root, "event.sequence")), 3);
        ck_assert_int_eq(json_integer_value(find(root, "process.pid")), 4711);
        ck_assert_int_eq(json_integer_value(find(root, "process.args_count")), 2);

        text = json_dumps(find(root, "threat.technique"), JSON_COMPACT);
        ck_assert_str_eq(text, "{\"id\":[\"T1105\",\"T1204\"],\"subtechnique\":{\"id\":[\"T1204.002\"]}}");
        free(text);

        strbuf_truncate(&json, json.n - 1);
        ck_assert_str_eq(json_string_value(find(root, "event.original")), strbuf_str(&json));
        ck_assert_ptr_nonnull(strstr(strbuf_str(&json), "\"host\":{\"name\":\"web1\",\"machine_id\":\"0123"));
        json_decref(root);
}
END_TEST

START_TEST(what_is_not_known_is_left_out) {
        struct alert alert = sample_alert();
        json_t *root;

        alert.process = (struct alert_process){.id = {.pid = 1}, .loginuid = UINT32_MAX, .session = UINT32_MAX};
        alert.n_ancestors = alert.n_steps = alert.n_techniques = 0;
        root = json_loads(print(&alert), JSON_REJECT_DUPLICATES, NULL);
        ck_assert_ptr_nonnull(root);
        for (const char *const *key = (const char *const[]){"user", "host", "file", "destination", "service",
                                                            "container", "package", "threat", NULL};
             *key; key++)
                ck_assert_ptr_null(json_object_get(root, *key));
        ck_assert_ptr_null(find(root, "process.executable"));
        json_decref(root);
}
END_TEST

START_TEST(who_ran_before_the_watch_began_is_a_tag) {
        struct alert alert = sample_alert();
        json_t *root;

        ck_assert_ptr_null(strstr(print(&alert), "\"tags\""));
        alert.n_before_us = 1;
        root = json_loads(print(&alert), JSON_REJECT_DUPLICATES, NULL);
        ck_assert_str_eq(json_string_value(json_array_get(find(root, "tags"), 0)), "before_us");
        json_decref(root);
}
END_TEST

START_TEST(bytes_of_an_attacker_stay_inside_their_string) {
        static const char evil[] = "a\"},\"event\":{\"kind\":\"\\\n\x1b\xff";
        struct alert alert = sample_alert();
        json_t *root;

        alert.process.exe = (struct alert_text){.bytes = evil, .length = sizeof(evil) - 1, .known = true};
        alert.steps[1].fields[0].text = alert.process.exe;
        root = json_loads(print(&alert), JSON_REJECT_DUPLICATES, NULL);
        ck_assert_ptr_nonnull(root);
        ck_assert_str_eq(json_string_value(find(root, "event.kind")), "alert");
        ck_assert_str_eq(json_string_value(find(root, "process.executable")),
                         json_string_value(find(root, "file.path")));
        json_decref(root);
}
END_TEST

START_TEST(a_notice_says_what_it_is_and_of_which_host) {
        json_t *root;

        strbuf_clear(&ecs);
        report_ecs_notice("obscured", "p", &host, SAMPLE_TIME_NS, "{}\n", 3, &ecs);
        root = json_loads(strbuf_str(&ecs), JSON_REJECT_DUPLICATES, NULL);
        ck_assert_str_eq(json_string_value(find(root, "event.dataset")), "execrayd.obscured");
        ck_assert_str_eq(json_string_value(find(root, "event.original")), "{}");
        ck_assert_str_eq(json_string_value(find(root, "host.hostname")), "web1");
        json_decref(root);
}
END_TEST

UNIT_MAIN("report/report-ecs", every_field_of_the_table_has_what_the_alert_says, what_is_not_known_is_left_out,
          who_ran_before_the_watch_began_is_a_tag,
          bytes_of_an_attacker_stay_inside_their_string, a_notice_says_what_it_is_and_of_which_host)
