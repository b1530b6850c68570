/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Action - one thing to be done about an alert: which, and with what. Typed, complete, checked, and plain data.
 *
 * Made from a name and named values, as a table of a script gives them, and wrong in many ways: everything that is
 * wrong is said in one message. Whether it may be done now (protected set, limits, dry-run), and doing it, is the
 * business of actions.h. actions.def is the list.
 *
 *      struct action_input inputs[] = {
 *              { .name = "process", .type = ACTION_INPUT_PROCESS, .process = proc },
 *              { .name = "signal", .type = ACTION_INPUT_TEXT, .text = "TERM", .length = 4 },
 *      };
 *      r = action_new("signal", inputs, 2, &why, &action);
 *      action_get(action, ACTION_signal_process)->process.pid */

#include "base/arena.h"
#include "base/cleanup.h"
#include "event/value.h"

struct strbuf;

enum action_kind {
#define ACTION(id, group, changes, undo, doc) ACTION_KIND_##id,
#define ARGUMENT(action, name, type, need, min, max, doc)
#define END_ACTION(id)
#include "action/actions.def"
        _ACTION_KIND_MAX,
};

/* ACTION_signal_process: the place of argument `process` among those of `signal`. */
#define ACTION(id, group, changes, undo, doc) enum {
#define ARGUMENT(action, name, type, need, min, max, doc) ACTION_##action##_##name,
#define END_ACTION(id) _ACTION_##id##_MAX };
#include "action/actions.def"

#define ACTION_MAX_ARGUMENTS 8

/* What a rate limit is for. */
enum action_group {
        ACTION_GROUP_PROCESS,
        ACTION_GROUP_CGROUP,
        ACTION_GROUP_UNIT,
        ACTION_GROUP_FILE,
        ACTION_GROUP_SNAPSHOT,
        ACTION_GROUP_HELPER,
        ACTION_GROUP_WEBHOOK,
        ACTION_GROUP_LIST,
        _ACTION_GROUP_MAX,
};

enum action_changes {
        ACTION_CHANGES_HOST,            /* somebody else's: needs response.enforce */
        ACTION_CHANGES_OWN,             /* only what is ours */
};

enum action_type {
        ACTION_TYPE_PROCESS,
        ACTION_TYPE_PROCESSES,
        ACTION_TYPE_SIGNAL,
        ACTION_TYPE_NUMBER,
        ACTION_TYPE_FLAG,
        ACTION_TYPE_DURATION,
        ACTION_TYPE_TEXT,
        ACTION_TYPE_BODY,
        ACTION_TYPE_NAME,
        ACTION_TYPE_PATH,
        ACTION_TYPE_CGROUP,
        ACTION_TYPE_UNIT,
        ACTION_TYPE_WORDS,
};

struct action_argument {
        const char *name;
        enum action_type type;
        bool required;
        int64_t min, max;
        const char *doc;
};

struct action_info {
        const char *name;
        enum action_group group;
        enum action_changes changes;
        const char *undo;               /* what undoing does; NULL: it cannot be undone */
        const char *doc;
        const struct action_argument *arguments;
        size_t n_arguments;
};

struct action_value {
        bool given;
        union {
                struct identity process;
                int64_t number;         /* also of a SIGNAL and a FLAG */
                uint64_t duration_ns;
                struct {
                        const char *text;       /* arena; ends in a NUL that is not counted */
                        size_t length;
                };
                struct {
                        const char *const *words;       /* arena; n_words and a NULL */
                        size_t n_words;
                };
                struct {
                        const struct identity *processes;       /* arena */
                        size_t n_processes;
                };
        };
};

struct action {
        enum action_kind kind;
        struct arena arena;             /* owned */
        struct action_value values[ACTION_MAX_ARGUMENTS];
};

/* What somebody gives, by its type there. Borrowed for the call. */
enum action_input_type {
        ACTION_INPUT_TEXT,
        ACTION_INPUT_NUMBER,
        ACTION_INPUT_FLAG,
        ACTION_INPUT_WORDS,
        ACTION_INPUT_PROCESS,
        ACTION_INPUT_PROCESSES,
        ACTION_INPUT_OTHER,             /* nothing that an action takes; `text` is what it is called: "a function" */
};

struct action_input {
        const char *name;
        enum action_input_type type;
        union {
                int64_t number;         /* also of a FLAG */
                struct identity process;
                struct {
                        const char *text;
                        size_t length;
                };
                struct {
                        const char *const *words;       /* C strings */
                        size_t n_words;
                };
                struct {
                        const struct identity *processes;
                        size_t n_processes;
                };
        };
};

/* 0; -ENOMEM; -EBADMSG: something is wrong, and all of it stands in `why` (may be NULL), one line without a name in
 * front: "signal: there is no argument 'sgnal', did you mean 'signal'?; argument 'signal' is missing". */
int action_new(const char *name, const struct action_input *inputs, size_t n_inputs, struct strbuf *why,
               struct action **ret);
struct action *action_free(struct action *action);
DEFINE_CLEANUP(struct action *, action_free)

const struct action_info *action_info(enum action_kind kind);

/* -EINVAL if there is no action of that name. */
int action_kind_from_string(const char *name);

static inline const struct action_value *action_get(const struct action *action, unsigned argument) {
        return &action->values[argument];
}

/* The same with what it stands for if it was not given. */
static inline int64_t action_number(const struct action *action, unsigned argument, int64_t otherwise) {
        return action->values[argument].given ? action->values[argument].number : otherwise;
}
static inline uint64_t action_duration_ns(const struct action *action, unsigned argument, uint64_t otherwise) {
        return action->values[argument].given ? action->values[argument].duration_ns : otherwise;
}

/* For people and the journal, one line: `signal process=4711 signal=TERM`. Bodies by their length alone. */
void action_put(const struct action *action, struct strbuf *b);

/* "TERM", also for others than those that actions send; NULL if it has no name. */
const char *action_signal_to_string(int signal);

const char *action_group_to_string(enum action_group group);

/* The list as tables in Markdown, for the documentation. */
void action_put_reference(struct strbuf *b);
