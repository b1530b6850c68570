/* SPDX-License-Identifier: Apache-2.0 */
#include "report/alert-record.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/macro.h"

#include "unit.h"

static struct alert_record record;
static const char *why;

static int parse(const char *text) {
        why = NULL;
        return alert_record_parse(text, strlen(text), &record, &why);
}

#define PROCESS(more) \
        "\"process\":{\"exe\":\"/usr/bin/a\",\"uid\":33,\"unit\":\"a.service\",\"container\":\"\"" more "}"
#define ALERT(more) "{\"type\":\"alert\",\"policy\":\"p\",\"number\":7,\"severity\":\"high\"," more "}"
#define STEP(fields, more) PROCESS("") ",\"steps\":[{\"fields\":{" fields "}" more "}]"

START_TEST(an_alert_says_who_completed_it_and_below_whom) {
        ck_assert_int_eq(parse(ALERT(PROCESS("") ",\"ancestors\":[{\"exe\":\"/usr/bin/b\"},{\"exe\":\"/usr/bin/c\"}]")),
                         ALERT_RECORD_ALERT);
        ck_assert_str_eq(record.policy, "p");
        ck_assert_str_eq(record.severity, "high");
        ck_assert_str_eq(record.exe, "/usr/bin/a");
        ck_assert_str_eq(record.parent, "/usr/bin/b");
        ck_assert_str_eq(record.unit, "a.service");
        ck_assert_int_eq(record.uid, 33);
        ck_assert_uint_eq(record.number, 7);
        ck_assert_uint_eq(record.repeats, 1);
        ck_assert(!record.odd_image && !record.contained && !record.file);
        alert_record_done(&record);
}
END_TEST

START_TEST(the_file_is_that_of_the_last_event_which_came) {
        ck_assert_int_eq(
                parse(ALERT("\"steps\":[{\"fields\":{\"pathname\":\"/a\"}},{\"fields\":{\"flags\":\"x\",\"filename\":"
                            "\"/b\"}},{\"fields\":null,\"absent\":true}]")),
                ALERT_RECORD_ALERT);
        ck_assert_str_eq(record.file, "/b");
        ck_assert_str_eq(record.file_field, "filename");
        alert_record_done(&record);
}
END_TEST

START_TEST(a_text_that_is_not_the_true_one_is_unknown) {
        static const char *const files[] = {
                STEP("\"pathname\":\"/a\\\\xff\"", ""),
                STEP("\"pathname\":\"/a[redacted]\"", ""),
                STEP("\"pathname\":\"/a\\u0000\"", ""),
                STEP("\"pathname\":\"a\"", ""),
                STEP("\"pathname\":\"/a\"", ",\"cut\":[\"pathname\"]"),
                STEP("\"pathname\":\"/a\"", ",\"unverified\":[\"pathname\"]"),
                STEP("\"pathname\":null", ""),
                STEP("\"pathname\":[\"/a\"]", ""),
        };

        for (size_t i = 0; i < ELEMENTSOF(files); i++) {
                char line[1024];

                snprintf(line, sizeof(line), "{\"type\":\"alert\",\"policy\":\"p\",%s}", files[i]);
                ck_assert_int_eq(parse(line), ALERT_RECORD_ALERT);
                ck_assert_msg(!record.file, "%s", line);
                ck_assert_str_eq(record.exe, "/usr/bin/a");
                alert_record_done(&record);
        }
        ck_assert_int_eq(parse(ALERT("\"process\":{\"exe\":\"/usr/bin/a\",\"cut\":[\"exe\"],\"uid\":-1}")),
                         ALERT_RECORD_ALERT);
        ck_assert(!record.exe && !record.unit && record.contained);
        ck_assert_int_eq(record.uid, -1);
        alert_record_done(&record);
}
END_TEST

START_TEST(an_image_that_is_not_what_its_name_says_is_odd) {
        ck_assert_int_eq(parse(ALERT(PROCESS(",\"exe_deleted\":true"))), ALERT_RECORD_ALERT);
        ck_assert(record.odd_image);
        alert_record_done(&record);
        ck_assert_int_eq(parse(ALERT(PROCESS(",\"exe_writable_by_others\":true"))), ALERT_RECORD_ALERT);
        ck_assert(record.odd_image);
        alert_record_done(&record);
}
END_TEST

START_TEST(a_summary_stands_for_its_repeats_and_other_objects_for_nothing) {
        ck_assert_int_eq(parse("{\"type\":\"summary\",\"policy\":\"p\",\"suppressed\":40}"), ALERT_RECORD_ALERT);
        ck_assert_uint_eq(record.repeats, 40);
        alert_record_done(&record);
        ck_assert_int_eq(parse("{\"type\":\"summary\",\"policy\":\"p\",\"suppressed\":9223372036854775807}"),
                         ALERT_RECORD_ALERT);
        ck_assert_uint_eq(record.repeats, UINT32_MAX);
        alert_record_done(&record);
        ck_assert_int_eq(parse("{\"type\":\"summary\",\"policy\":\"p\"}"), ALERT_RECORD_NONE);
        ck_assert_int_eq(parse("{\"type\":\"obscured\",\"policy\":\"p\"}"), ALERT_RECORD_NONE);
        ck_assert_int_eq(parse("{\"MESSAGE\":\"hello\"}"), ALERT_RECORD_NONE);
}
END_TEST

#define ENTRY(uid, more) "{\"MESSAGE_ID\":\"ab0dcd2ab4bd459fae22d09a59805776\",\"_UID\":" uid "," more "}"

START_TEST(an_entry_of_the_journal_holds_the_alert) {
        ck_assert_int_eq(
                parse(ENTRY("\"0\"", "\"EXECRAY_ALERT\":\"{\\\"type\\\":\\\"alert\\\",\\\"policy\\\":\\\"p\\\"}\"")),
                ALERT_RECORD_ALERT);
        ck_assert_str_eq(record.policy, "p");
        alert_record_done(&record);
}
END_TEST

START_TEST(an_entry_without_the_alert_has_fields) {
        ck_assert_int_eq(parse(ENTRY("\"0\"", "\"EXECRAY_ALERT\":null,\"EXECRAY_POLICY\":\"p\",\"EXECRAY_EXE\":\"/a\","
                                              "\"EXECRAY_UID\":\"33\",\"EXECRAY_UNIT\":\"a\\\\x2db.service\"")),
                         ALERT_RECORD_ALERT);
        ck_assert_str_eq(record.exe, "/a");
        ck_assert_str_eq(record.unit, "a\\x2db.service");
        ck_assert_int_eq(record.uid, 33);
        ck_assert(!record.contained);
        alert_record_done(&record);
        ck_assert_int_eq(parse(ENTRY("\"0\"", "\"EXECRAY_POLICY\":\"p\",\"EXECRAY_CONTAINER\":[1,2]")),
                         ALERT_RECORD_ALERT);
        ck_assert_int_eq(record.uid, -1);
        ck_assert(record.contained);
        alert_record_done(&record);
}
END_TEST

START_TEST(an_entry_that_root_did_not_write_is_foreign) {
        ck_assert_int_eq(parse(ENTRY("\"1000\"", "\"EXECRAY_POLICY\":\"p\"")), ALERT_RECORD_FOREIGN);
        ck_assert_int_eq(parse(ENTRY("null", "\"EXECRAY_POLICY\":\"p\"")), ALERT_RECORD_FOREIGN);
        ck_assert_int_eq(parse(ENTRY("[\"0\",\"1000\"]", "\"EXECRAY_POLICY\":\"p\"")), ALERT_RECORD_FOREIGN);
}
END_TEST

START_TEST(what_is_no_alert_is_refused_with_the_reason) {
        static const char *const lines[] = {
                "", "HIGH x", "[1]", "7", "{}", "{\"type\":\"alert\"}", "{\"type\":\"alert\",\"policy\":\"\"}",
                "{\"type\":\"alert\",\"type\":\"alert\"}", "{\"type\":\"alert\",\"policy\":\"p\"} x",
                ENTRY("\"0\"", "\"EXECRAY_ALERT\":\"{\""), ENTRY("\"0\"", "\"EXECRAY_ALERT\":\"7\""),
                ENTRY("\"0\"", "\"EXECRAY_EXE\":\"/a\""),
        };

        for (size_t i = 0; i < ELEMENTSOF(lines); i++) {
                ck_assert_msg(parse(lines[i]) == -EBADMSG, "%s", lines[i]);
                ck_assert_ptr_nonnull(why);
        }
        ck_assert_int_eq(alert_record_parse("{}", ALERT_RECORD_MAX_BYTES + 1, &record, &why), -EBADMSG);
}
END_TEST

UNIT_MAIN("report/alert-record", an_alert_says_who_completed_it_and_below_whom,
          the_file_is_that_of_the_last_event_which_came, a_text_that_is_not_the_true_one_is_unknown,
          an_image_that_is_not_what_its_name_says_is_odd,
          a_summary_stands_for_its_repeats_and_other_objects_for_nothing, an_entry_of_the_journal_holds_the_alert,
          an_entry_without_the_alert_has_fields, an_entry_that_root_did_not_write_is_foreign,
          what_is_no_alert_is_refused_with_the_reason)
