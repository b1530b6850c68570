/* SPDX-License-Identifier: Apache-2.0 */
#include "report/alert-record.h"

#include <assert.h>
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "base/macro.h"
#include "base/parse.h"
#include "report/message-ids.h"

#define MAX_TEXT 4096                   /* of a path or a name */
#define MAX_ARGS 512                    /* longer ones are no condition that anybody reads */
#define MAX_ID UINT32_MAX
#define MAX_REPEATS UINT32_MAX          /* so that no sum of them overflows */

/* The bytes as they are, or NULL. */
static const char *plain(const json_t *json) {
        const char *text = json_string_value(json);
        size_t n = text ? json_string_length(json) : 0;

        return n > 0 && n < MAX_TEXT && strlen(text) == n ? text : NULL;
}

/* The same, if what was told is surely what it was. */
static const char *exact(const json_t *json) {
        const char *text = plain(json);

        return text && !strchr(text, '\\') && !strstr(text, "[redacted]") ? text : NULL;
}

/* A list of names has this one. */
static bool lists(const json_t *list, const char *name) {
        const json_t *item;
        size_t i;

        json_array_foreach(list, i, item)
                if (json_is_string(item) && streq(json_string_value(item), name))
                        return true;
        return false;
}

static const char *exe_of(const json_t *process) {
        const char *exe = exact(json_object_get(process, "exe"));

        return exe && exe[0] == '/' && !lists(json_object_get(process, "cut"), "exe") ? exe : NULL;
}

static const char *args_of(const json_t *process) {
        const char *args = exact(json_object_get(process, "args"));

        return args && strlen(args) <= MAX_ARGS && !lists(json_object_get(process, "cut"), "args") ? args : NULL;
}

/* In no unit is an answer, too. Its backslashes are systemd's own. */
static const char *unit_of(const json_t *json) {
        return json_is_string(json) && json_string_length(json) == 0 ? "" : plain(json);
}

static bool is_odd(const json_t *process) {
        static const char *const odd[] = {"exe_deleted", "exe_memfd", "upper_layer", "exe_writable_by_others"};

        for (size_t i = 0; i < ELEMENTSOF(odd); i++)
                if (json_is_true(json_object_get(process, odd[i])))
                        return true;
        return false;
}

/* The last event that came: what did not happen (`absent`) is none. A field that the program's other threads could have
 * exchanged is no ground for an exception. */
static void read_file_of(const json_t *steps, struct alert_record *record) {
        static const char *const fields[] = {"filename", "pathname", "path"};
        const json_t *step = NULL;

        for (size_t i = json_array_size(steps); i > 0 && !step; i--) {
                const json_t *s = json_array_get(steps, i - 1);

                if (!json_is_true(json_object_get(s, "absent")))
                        step = s;
        }
        /* Without its fields it is not known whether it had one. */
        record->file_unclear = !json_is_object(json_object_get(step, "fields"));
        for (size_t i = 0; i < ELEMENTSOF(fields); i++) {
                const json_t *value = json_object_get(json_object_get(step, "fields"), fields[i]);
                const char *file = exact(value);

                if (!value)
                        continue;
                if (!file || file[0] != '/' || strstr(file, "/../") || lists(json_object_get(step, "cut"), fields[i]) ||
                    lists(json_object_get(step, "unverified"), fields[i])) {
                        record->file_unclear = true;
                        continue;
                }
                if (record->file)
                        continue;
                record->file_field = fields[i];
                record->file = file;
        }
}

static uint64_t number_of(const json_t *json) {
        return json_is_integer(json) && json_integer_value(json) > 0 ? (uint64_t)json_integer_value(json) : 0;
}

static int read_alert(const json_t *json, struct alert_record *record, const char **ret_message) {
        const char *type = json_string_value(json_object_get(json, "type"));
        const json_t *process = json_object_get(json, "process");
        const json_t *parent = json_array_get(json_object_get(json, "ancestors"), 0);
        const json_t *uid = json_object_get(process, "uid"), *login = json_object_get(process, "loginuid"), *container;

        if (!json_is_object(json)) {
                *ret_message = "it is not an object";
                return -EBADMSG;
        }
        if (!type) {
                *ret_message = "there is no 'type' in it: it is neither an alert nor an entry of the journal";
                return -EBADMSG;
        }
        if (!streq(type, "alert") && !streq(type, "summary"))
                return ALERT_RECORD_NONE;
        record->policy = plain(json_object_get(json, "policy"));
        if (!record->policy) {
                *ret_message = "it is an alert that does not say of which policy";
                return -EBADMSG;
        }
        record->severity = plain(json_object_get(json, "severity"));
        record->number = number_of(json_object_get(json, "number"));
        record->repeats = streq(type, "alert") ? 1 : number_of(json_object_get(json, "suppressed"));
        record->exe = exe_of(process);
        record->parent = exe_of(parent);
        record->args = args_of(process);
        record->unit = unit_of(json_object_get(process, "unit"));
        if (json_is_integer(uid) && json_integer_value(uid) >= 0 && json_integer_value(uid) <= MAX_ID)
                record->uid = json_integer_value(uid);
        if (json_is_null(login))
                record->login = ALERT_RECORD_NO_LOGIN;
        else if (json_is_integer(login) && json_integer_value(login) >= 0 && json_integer_value(login) < MAX_ID)
                record->login = json_integer_value(login);
        record->odd_image = is_odd(process) || is_odd(parent);
        container = json_object_get(process, "container");
        record->contained = !json_is_string(container) || json_string_length(container) > 0;
        read_file_of(json_object_get(json, "steps"), record);
        return ALERT_RECORD_ALERT;
}

static uint64_t digits(const json_t *json, uint64_t max, uint64_t otherwise) {
        const char *text = plain(json);
        uint64_t value;

        return text && parse_u64_n(text, strlen(text), 0, max, &value) >= 0 ? value : otherwise;
}

/* The entry without its EXECRAY_ALERT, which journalctl leaves out beyond 4096 bytes unless it is told `-a`. */
static int read_fields(const json_t *entry, bool summary, struct alert_record *record, const char **ret_message) {
        record->policy = plain(json_object_get(entry, "EXECRAY_POLICY"));
        if (!record->policy) {
                *ret_message = "it is an alert of the journal without EXECRAY_POLICY";
                return -EBADMSG;
        }
        record->severity = plain(json_object_get(entry, "EXECRAY_SEVERITY"));
        record->number = digits(json_object_get(entry, "EXECRAY_NUMBER"), INT64_MAX, 0);
        record->repeats = summary ? digits(json_object_get(entry, "EXECRAY_SUPPRESSED"), INT64_MAX, 0) : 1;
        record->exe = exact(json_object_get(entry, "EXECRAY_EXE"));
        record->exe = record->exe && record->exe[0] == '/' ? record->exe : NULL;
        record->unit = plain(json_object_get(entry, "EXECRAY_UNIT"));
        record->uid = (int64_t)digits(json_object_get(entry, "EXECRAY_UID"), MAX_ID, UINT64_MAX);
        record->contained = json_object_get(entry, "EXECRAY_CONTAINER");
        record->file_unclear = true;
        return ALERT_RECORD_ALERT;
}

/* Anybody may write to the journal and call himself execrayd; who it was journald adds, in fields with an underscore.
 */
static int read_entry(struct alert_record *record, const char **ret_message) {
        const json_t *entry = record->json;
        const char *id = json_string_value(json_object_get(entry, "MESSAGE_ID"));
        const char *whole = json_string_value(json_object_get(entry, "EXECRAY_ALERT"));
        const char *uid = json_string_value(json_object_get(entry, "_UID"));
        bool summary = id && streq(id, MESSAGE_ID_SUMMARY);
        json_error_t error;
        json_t *alert;

        if (!id || (!summary && !streq(id, MESSAGE_ID_ALERT)))
                return ALERT_RECORD_NONE;
        if (!uid || !streq(uid, "0"))
                return ALERT_RECORD_FOREIGN;
        if (!whole)
                return read_fields(entry, summary, record, ret_message);

        alert = json_loads(whole, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
        if (!alert) {
                if (json_error_code(&error) == json_error_out_of_memory)
                        return -ENOMEM;
                *ret_message = "its EXECRAY_ALERT is not JSON";
                return -EBADMSG;
        }
        json_decref(record->json);
        record->json = alert;
        return read_alert(alert, record, ret_message);
}

static bool is_entry(const json_t *json) {
        return !json_object_get(json, "type") &&
               (json_object_get(json, "MESSAGE_ID") || json_object_get(json, "__CURSOR") ||
                json_object_get(json, "_UID") || json_object_get(json, "MESSAGE"));
}

int alert_record_parse(const char *text, size_t n, struct alert_record *ret, const char **ret_message) {
        struct alert_record record = {.uid = -1, .login = ALERT_RECORD_LOGIN_UNKNOWN};
        json_error_t error;
        int r;

        assert(text && ret && ret_message);

        if (n > ALERT_RECORD_MAX_BYTES) {
                *ret_message = "it is too long";
                return -EBADMSG;
        }
        record.json = json_loadb(text, n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
        if (!record.json) {
                if (json_error_code(&error) == json_error_out_of_memory)
                        return -ENOMEM;
                *ret_message = "it is not JSON: one object on each line is expected";
                return -EBADMSG;
        }
        r = is_entry(record.json) ? read_entry(&record, ret_message) : read_alert(record.json, &record, ret_message);
        record.repeats = MIN(record.repeats, (uint64_t)MAX_REPEATS);
        if (r != ALERT_RECORD_ALERT || record.repeats == 0) {
                alert_record_done(&record);
                return r == ALERT_RECORD_ALERT ? ALERT_RECORD_NONE : r;
        }
        *ret = record;
        return r;
}

void alert_record_done(struct alert_record *record) {
        if (record->json)
                json_decref(record->json);
        *record = (struct alert_record){.uid = -1, .login = ALERT_RECORD_LOGIN_UNKNOWN};
}
