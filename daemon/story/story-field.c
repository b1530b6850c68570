/* SPDX-License-Identifier: Apache-2.0 */
#include "story/story-private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/macro.h"
#include "base/parse.h"

/* What a field is if the story does not say: whatever an ordinary call would have had. Nothing here may make an
 * ordinary policy match by accident. */

static bool is_known_or_unknown_on_purpose(const struct record *record, uint64_t given, enum field field) {
        uint64_t bit = UINT64_C(1) << schema_field(field)->bit;

        return (record->header.known & bit) || (given & bit);
}

static void default_number(struct record *record, uint64_t given, enum field field, int64_t number) {
        if (!is_known_or_unknown_on_purpose(record, given, field))
                record_set_number(record, field, number);
}

static void default_text(struct record *record, uint64_t given, enum field field, const char *text) {
        if (text && !is_known_or_unknown_on_purpose(record, given, field))
                record_set_text(record, field, text);
}

static void default_object(struct record *record, uint64_t given, enum field field, const char *name) {
        struct wire_object object;

        if (!name || is_known_or_unknown_on_purpose(record, given, field))
                return;
        object = world_object(name);
        record_set_object(record, field, &object);
}

/* A string field that is known, as text; NULL if it is not. */
static const char *known_text(struct story *story, const struct record *record, enum field field) {
        const struct field_info *info = schema_field(field);
        const struct wire_bytes *bytes = (const void *)(record->data + info->offset);

        if (!(record->header.known & UINT64_C(1) << info->bit))
                return NULL;
        return arena_strndup(&story->world.arena, record->data + bytes->offset, bytes->length);
}

static void default_execve(struct story *story, struct world_process *actor, struct record *record, uint64_t given) {
        const char *filename, *exe, *slash;
        bool failed = record->header.result < 0;

        default_text(record, given, FIELD_execve_filename, known_text(story, record, FIELD_execve_exe));
        filename = known_text(story, record, FIELD_execve_filename);
        default_text(record, given, FIELD_execve_exe, filename);
        exe = known_text(story, record, FIELD_execve_exe);

        slash = filename ? strrchr(filename, '/') : NULL;
        if (filename && !is_known_or_unknown_on_purpose(record, given, FIELD_execve_argv))
                record_set_list(record, FIELD_execve_argv, (const char *const[]){ slash ? slash + 1 : filename, NULL });
        default_number(record, given, FIELD_execve_argc, 1);
        default_text(record, given, FIELD_execve_cwd, "/");
        if (filename && !is_known_or_unknown_on_purpose(record, given, FIELD_execve_comm))
                record_set_bytes(record, FIELD_execve_comm, slash ? slash + 1 : filename,
                                 MIN(strlen(slash ? slash + 1 : filename), (size_t)15));
        default_object(record, given, FIELD_execve_file, exe);
        default_number(record, given, FIELD_execve_file_mode, S_IFREG | 0755);
        default_number(record, given, FIELD_execve_file_uid, 0);
        default_number(record, given, FIELD_execve_script, exe && filename && !streq(exe, filename));
        default_number(record, given, FIELD_execve_memfd, 0);
        default_number(record, given, FIELD_execve_deleted, 0);
        default_number(record, given, FIELD_execve_upper, 0);
        default_number(record, given, FIELD_execve_secure, 0);
        default_number(record, given, FIELD_execve_tty, 0);
        default_number(record, given, FIELD_execve_old_uid, actor->uid);
        default_number(record, given, FIELD_execve_old_euid, actor->euid);
        default_number(record, given, FIELD_execve_old_gid, actor->gid);
        default_number(record, given, FIELD_execve_old_egid, actor->egid);
        default_number(record, given, FIELD_execve_stdin_type, WIRE_OBJECT_DEVICE);
        default_number(record, given, FIELD_execve_stdout_type, WIRE_OBJECT_DEVICE);
        default_number(record, given, FIELD_execve_stderr_type, WIRE_OBJECT_DEVICE);
        if (!failed && exe)
                actor->exe = exe;
}

static void default_connect(struct record *record, uint64_t given) {
        const struct wire_connect *connect = (const void *)record->data;

        if (record->header.known & WIRE_BIT(connect, daddr))
                default_number(record, given, FIELD_connect_family, connect->daddr.family);
        else if (record->header.known & WIRE_BIT(connect, path))
                default_number(record, given, FIELD_connect_family, AF_UNIX);
        default_number(record, given, FIELD_connect_fd, 3);
        default_number(record, given, FIELD_connect_type, SOCK_STREAM);
        default_number(record, given, FIELD_connect_protocol, IPPROTO_TCP);
}

static void set_defaults(struct story *story, struct world_process *actor, enum wire_kind kind, struct record *record,
                         uint64_t given) {
        const char *path;

        if (kind == WIRE_KIND_execve)
                default_execve(story, actor, record, given);
        else if (kind == WIRE_KIND_openat) {
                path = known_text(story, record, FIELD_openat_pathname);
                default_text(record, given, FIELD_openat_given, path);
                default_number(record, given, FIELD_openat_flags, O_RDONLY);
                default_number(record, given, FIELD_openat_mode, 0);
                default_number(record, given, FIELD_openat_fd, 3);
                default_object(record, given, FIELD_openat_file, path);
                default_number(record, given, FIELD_openat_file_mode, S_IFREG | 0644);
                default_number(record, given, FIELD_openat_file_uid, 0);
                default_number(record, given, FIELD_openat_created, 0);
                record->header.result = record->header.result ?: 3;
        } else if (kind == WIRE_KIND_write) {
                const struct wire_write *write = (const void *)record->data;

                path = known_text(story, record, FIELD_write_pathname);
                default_number(record, given, FIELD_write_fd, 3);
                default_object(record, given, FIELD_write_file, path);
                default_number(record, given, FIELD_write_type, WIRE_OBJECT_FILE);
                default_number(record, given, FIELD_write_length, 100);
                default_number(record, given, FIELD_write_count, write->length);
                record->header.result = record->header.result ?: write->length;
        } else if (kind == WIRE_KIND_connect)
                default_connect(record, given);
        else if (kind == WIRE_KIND_unlink) {
                default_text(record, given, FIELD_unlink_given, known_text(story, record, FIELD_unlink_pathname));
                default_number(record, given, FIELD_unlink_flags, 0);
        } else if (kind == WIRE_KIND_rename) {
                default_text(record, given, FIELD_rename_given, known_text(story, record, FIELD_rename_pathname));
                default_text(record, given, FIELD_rename_newgiven, known_text(story, record, FIELD_rename_newpath));
                default_number(record, given, FIELD_rename_flags, 0);
        } else if (kind == WIRE_KIND_chmod)
                default_text(record, given, FIELD_chmod_given, known_text(story, record, FIELD_chmod_pathname));
        else if (kind == WIRE_KIND_exit) {
                default_number(record, given, FIELD_exit_code, 0);
                default_number(record, given, FIELD_exit_signal, 0);
                default_number(record, given, FIELD_exit_core, 0);
        } else if (kind == WIRE_KIND_fork)
                default_number(record, given, FIELD_fork_flags, 0);
}

static int parse_object(const struct story_place *place, const struct story_word *word, struct wire_object *ret) {
        const char *text;
        size_t n;
        bool cut;
        int r;

        r = story_text(place, word, &text, &n, &cut);
        if (r < 0)
                return r;
        *ret = world_object(text);
        return 0;
}

static int parse_address(const struct story_place *place, const struct story_word *word, struct wire_address *ret) {
        const char *text;
        size_t n;
        bool cut;
        int r;

        r = story_text(place, word, &text, &n, &cut);
        if (r < 0)
                return r;
        *ret = (struct wire_address){ .family = strchr(text, ':') ? AF_INET6 : AF_INET };
        if (inet_pton(ret->family, text, ret->bytes) != 1)
                return story_error(place, word, "'%s' is no address", text);
        return 0;
}

static int set_kinds(const struct story_place *place, const struct story_word *word, struct record *record) {
        uint64_t kinds = 0;

        for (const char *at = word->value, *end = at + word->n_value; at < end;) {
                const char *comma = memchr(at, ',', end - at) ?: end;
                enum wire_kind kind = schema_find_kind(at, comma - at);

                if (kind == WIRE_NONE)
                        return story_error(place, word, "unknown kind of event '%.*s'", (int)(comma - at), at);
                kinds |= wire_kind_bit(kind);
                at = comma < end ? comma + 1 : end;
        }
        record_set_number(record, FIELD_gap_kinds, (int64_t)kinds);
        return 0;
}

/* A word, or a number. */
static int set_reason(const struct story_place *place, const struct story_word *word, struct record *record) {
        const char *text;
        int64_t number;
        size_t n;
        bool cut;
        int r;

        if (word->n_value > 0 && word->value[0] >= '0' && word->value[0] <= '9') {
                r = story_number(place, word, FORMAT_PLAIN, &number);
                if (r >= 0)
                        record_set_number(record, FIELD_gap_reason, number);
                return r;
        }
        r = story_text(place, word, &text, &n, &cut);
        if (r < 0)
                return r;
        for (int loss = WIRE_LOSS_NONE + 1; loss < _WIRE_LOSS_MAX; loss++)
                if (streq(text, event_loss_to_string((enum wire_loss)loss))) {
                        record_set_number(record, FIELD_gap_reason, loss);
                        return 0;
                }
        return story_error(place, word, "'%s' is no reason for a loss", text);
}

/* In the time of the story. */
static int set_until(const struct story_place *place, const struct story_word *word, struct record *record) {
        int64_t number;
        int r;

        r = story_number(place, word, FORMAT_DURATION, &number);
        if (r >= 0)
                record_set_number(record, FIELD_gap_until, (int64_t)WORLD_START_NS + number);
        return r;
}

static int set_field(const struct story_place *place, const struct story_word *word, enum field field,
                     struct record *record) {
        const struct field_info *info = schema_field(field);
        const char *text;
        size_t n;
        bool cut = false;
        int64_t number;
        int r;

        if (field == FIELD_gap_kinds)
                return set_kinds(place, word, record);
        if (field == FIELD_gap_reason)
                return set_reason(place, word, record);
        if (field == FIELD_gap_until)
                return set_until(place, word, record);

        switch (info->type) {
        case VALUE_NUMBER:
                r = story_number(place, word, info->format, &number);
                if (r >= 0)
                        record_set_number(record, field, number);
                break;
        case VALUE_STRING:
                r = story_text(place, word, &text, &n, &cut);
                if (r >= 0)
                        record_set_bytes(record, field, text, n);
                break;
        case VALUE_LIST:
                r = story_list(place, word, &text, &n, &cut);
                if (r >= 0)
                        record_set_list_bytes(record, field, text, n);
                break;
        case VALUE_OBJECT: {
                struct wire_object object;

                r = parse_object(place, word, &object);
                if (r >= 0)
                        record_set_object(record, field, &object);
                break;
        }
        case VALUE_ADDRESS: {
                struct wire_address address;

                r = parse_address(place, word, &address);
                if (r >= 0)
                        record_set_address(record, field, &address);
                break;
        }
        case VALUE_IDENTITY:
        case _VALUE_TYPE_MAX:
        default:
                return -EINVAL;
        }
        if (r >= 0 && cut)
                record_mark_cut(record, field);
        return r;
}

static int set_result(const struct story_place *place, const struct story_word *word, struct record *record) {
        const struct story_word positive = {
                .at = word->at,
                .value = word->value + 1,
                .n_value = word->n_value - 1,
        };
        int64_t number;
        int r;

        if (word->n_value == 1 && word->value[0] == '?') {
                record->header.flags |= WIRE_NO_RESULT;
                return 0;
        }
        if (word->n_value > 1 && word->value[0] == '-') {
                r = story_number(place, &positive, FORMAT_PLAIN, &number);
                number = r < 0 ? 0 : -number;
        } else
                r = story_number(place, word, FORMAT_PLAIN, &number);
        if (r < 0)
                return r;
        record->header.result = number;
        return 0;
}

static int field_unknown(const struct story_place *place, const struct story_word *word, enum wire_kind kind) {
        static const char *const common[] = {"result", "uid", "euid", "gid", "egid", "loginuid", "session", "cgroup"};
        const char *names[_FIELD_MAX + ELEMENTSOF(common)];
        size_t n = 0;

        for (unsigned field = FIELD_NONE + 1; field < _FIELD_MAX; field++) {
                const struct field_info *info = schema_field((enum field)field);

                if (info && info->scope == FIELD_EVENT && info->kind == kind)
                        names[n++] = info->name;
        }
        for (size_t i = 0; i < ELEMENTSOF(common); i++)
                names[n++] = common[i];
        story_error(place, word, "%s has no field '%.*s'", schema_kind(kind)->name, (int)word->n_name, word->name);
        diag_did_you_mean(place->diags, diag_closest_n(word->name, word->n_name, names, n));
        return -EBADMSG;
}

int story_fields(const struct story_place *place, struct world_process *actor, enum wire_kind kind,
                 const struct story_word *words, size_t n_words) {
        struct record *record = place->story->world.record;
        uint64_t given = 0;
        int r;

        for (size_t i = 0; i < n_words; i++) {
                const struct story_word *word = &words[i];
                enum field field;

                if (!word->value)
                        return story_error(place, word, "expected FIELD=VALUE");
                if (story_word_is(word, "result")) {
                        r = set_result(place, word, record);
                        if (r < 0)
                                return r;
                        continue;
                }
                field = schema_find_field(kind, word->name, word->n_name);
                if (field == FIELD_NONE || schema_field(field)->scope != FIELD_EVENT)
                        return field_unknown(place, word, kind);

                given |= UINT64_C(1) << schema_field(field)->bit;
                if (word->n_value == 1 && word->value[0] == '?')
                        continue;
                r = set_field(place, word, field, record);
                if (r < 0)
                        return r;
        }

        if (actor)
                set_defaults(place->story, actor, kind, record, given);
        return 0;
}
