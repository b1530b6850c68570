/* SPDX-License-Identifier: Apache-2.0 */
#include "action/action.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/parse.h"
#include "base/strbuf.h"

#define ACTION_BYTES_MAX (512 * KIB)
#define ACTION_WORD_MAX 4096

#define REQUIRED true
#define OPTIONAL false

#define ACTION(id, group, changes, undo, doc) static const struct action_argument id##_arguments[] = {
#define ARGUMENT(action, name, type, need, min, max, doc) { #name, ACTION_TYPE_##type, need, min, max, doc },
#define END_ACTION(id)                                                                                                 \
        }                                                                                                              \
        ;                                                                                                              \
        _Static_assert(ELEMENTSOF(id##_arguments) <= ACTION_MAX_ARGUMENTS, "more than an action has room for");
#include "action/actions.def"

static const struct action_info infos[] = {
#define ACTION(id, group, changes, undo, doc) \
        [ACTION_KIND_##id] = {#id, ACTION_GROUP_##group, ACTION_CHANGES_##changes, undo, doc, id##_arguments, \
                              ELEMENTSOF(id##_arguments)},
#define ARGUMENT(action, name, type, need, min, max, doc)
#define END_ACTION(id)
#include "action/actions.def"
};

static const struct {
        const char *name;
        int number;
} signals[] = {
        {"TERM", SIGTERM},
        {"KILL", SIGKILL},
        {"STOP", SIGSTOP},
        {"CONT", SIGCONT},
        {"INT", SIGINT},
        {"HUP", SIGHUP},
        {"QUIT", SIGQUIT},
        {"USR1", SIGUSR1},
        {"USR2", SIGUSR2},
};

const struct action_info *action_info(enum action_kind kind) {
        assert(kind < _ACTION_KIND_MAX);
        return &infos[kind];
}

int action_kind_from_string(const char *name) {
        for (int i = 0; i < _ACTION_KIND_MAX; i++)
                if (streq(infos[i].name, name))
                        return i;
        return -EINVAL;
}

const char *action_signal_to_string(int signal) {
        for (size_t i = 0; i < ELEMENTSOF(signals); i++)
                if (signals[i].number == signal)
                        return signals[i].name;
        return sigabbrev_np(signal);
}

const char *action_group_to_string(enum action_group group) {
        switch (group) {
        case ACTION_GROUP_PROCESS: return "process";
        case ACTION_GROUP_CGROUP: return "cgroup";
        case ACTION_GROUP_UNIT: return "unit";
        case ACTION_GROUP_FILE: return "file";
        case ACTION_GROUP_SNAPSHOT: return "snapshot";
        case ACTION_GROUP_HELPER: return "helper";
        case ACTION_GROUP_WEBHOOK: return "webhook";
        case ACTION_GROUP_LIST: return "list";
        case _ACTION_GROUP_MAX: break;
        }
        return NULL;
}

/* ---- making one ---- */

struct making {
        struct action *action;
        struct strbuf *why;             /* may be NULL */
        size_t n_faults;
};

static void fault(struct making *m, const char *fmt, ...) _printf_(2, 3);
static void fault(struct making *m, const char *fmt, ...) {
        va_list ap;

        if (m->n_faults++ > 0 && m->why)
                strbuf_put(m->why, "; ");
        if (!m->why)
                return;
        va_start(ap, fmt);
        strbuf_vprintf(m->why, fmt, ap);
        va_end(ap);
}

static const char *input_type_to_string(const struct action_input *input) {
        switch (input->type) {
        case ACTION_INPUT_TEXT: return "a text";
        case ACTION_INPUT_NUMBER: return "a number";
        case ACTION_INPUT_FLAG: return "true or false";
        case ACTION_INPUT_WORDS: return "a list of texts";
        case ACTION_INPUT_PROCESS: return "a process";
        case ACTION_INPUT_PROCESSES: return "a list of processes";
        case ACTION_INPUT_OTHER: return input->text ?: "something else";
        }
        return NULL;
}

static const char *type_to_string(enum action_type type) {
        switch (type) {
        case ACTION_TYPE_PROCESS: return "a process";
        case ACTION_TYPE_PROCESSES: return "a list of processes";
        case ACTION_TYPE_SIGNAL: return "the name of a signal";
        case ACTION_TYPE_NUMBER: return "a number";
        case ACTION_TYPE_FLAG: return "true or false";
        case ACTION_TYPE_DURATION: return "a number of seconds or a text like \"10min\"";
        case ACTION_TYPE_TEXT:
        case ACTION_TYPE_BODY: return "a text";
        case ACTION_TYPE_NAME: return "a name";
        case ACTION_TYPE_PATH: return "an absolute path";
        case ACTION_TYPE_CGROUP: return "the path of a control group";
        case ACTION_TYPE_UNIT: return "the name of a unit";
        case ACTION_TYPE_WORDS: return "a list of texts";
        }
        return NULL;
}

static const char *type_word(enum action_type type) {
        switch (type) {
        case ACTION_TYPE_PROCESS: return "process";
        case ACTION_TYPE_PROCESSES: return "processes";
        case ACTION_TYPE_SIGNAL: return "signal";
        case ACTION_TYPE_NUMBER: return "number";
        case ACTION_TYPE_FLAG: return "true, false";
        case ACTION_TYPE_DURATION: return "duration";
        case ACTION_TYPE_TEXT: return "text";
        case ACTION_TYPE_BODY: return "bytes";
        case ACTION_TYPE_NAME: return "name";
        case ACTION_TYPE_PATH: return "path";
        case ACTION_TYPE_CGROUP: return "cgroup";
        case ACTION_TYPE_UNIT: return "unit";
        case ACTION_TYPE_WORDS: return "list of texts";
        }
        return NULL;
}

static enum action_input_type input_for(enum action_type type) {
        switch (type) {
        case ACTION_TYPE_PROCESS: return ACTION_INPUT_PROCESS;
        case ACTION_TYPE_PROCESSES: return ACTION_INPUT_PROCESSES;
        case ACTION_TYPE_NUMBER: return ACTION_INPUT_NUMBER;
        case ACTION_TYPE_FLAG: return ACTION_INPUT_FLAG;
        case ACTION_TYPE_WORDS: return ACTION_INPUT_WORDS;
        case ACTION_TYPE_DURATION:
        case ACTION_TYPE_SIGNAL:
        case ACTION_TYPE_TEXT:
        case ACTION_TYPE_BODY:
        case ACTION_TYPE_NAME:
        case ACTION_TYPE_PATH:
        case ACTION_TYPE_CGROUP:
        case ACTION_TYPE_UNIT: return ACTION_INPUT_TEXT;
        }
        return ACTION_INPUT_OTHER;
}

static bool has_control(const char *s, size_t n) {
        for (size_t i = 0; i < n; i++)
                if ((unsigned char)s[i] < ' ' || s[i] == 0x7f)
                        return true;
        return false;
}

static bool is_of(const char *s, size_t n, const char *others) {
        for (size_t i = 0; i < n; i++)
                if (!isalnum((unsigned char)s[i]) && (s[i] == 0 || !strchr(others, s[i])))
                        return false;
        return n > 0;
}

/* Absolute, no empty part, no . and no .., no slash at the end: one file has one such path. */
static bool is_plain_path(const char *s, size_t n) {
        if (n < 2 || s[0] != '/' || memchr(s, 0, n))
                return false;
        for (size_t i = 0; i < n;) {
                size_t begin = ++i;

                while (i < n && s[i] != '/')
                        i++;
                if (i == begin || memeq_str(s + begin, i - begin, ".") || memeq_str(s + begin, i - begin, ".."))
                        return false;
        }
        return true;
}

static bool is_unit(const char *s, size_t n) {
        static const char *const suffixes[] = {".service", ".socket",    ".target", ".device", ".mount", ".automount",
                                               ".swap",    ".timer",     ".path",   ".slice",  ".scope"};

        if (!is_of(s, n, ":-_.\\@"))
                return false;
        for (size_t i = 0; i < ELEMENTSOF(suffixes); i++) {
                size_t length = strlen(suffixes[i]);

                if (n > length && memcmp(s + n - length, suffixes[i], length) == 0)
                        return true;
        }
        return false;
}

static int take_text(struct making *m, const struct action_argument *argument, const struct action_input *input,
                     struct action_value *ret) {
        const char *wrong = NULL;

        if (input->length < (size_t)argument->min || input->length > (size_t)argument->max) {
                fault(m, "argument '%s' has %zu bytes, it may have %lld to %lld", argument->name, input->length,
                      (long long)argument->min, (long long)argument->max);
                return 0;
        }
        switch (argument->type) {
        case ACTION_TYPE_PATH:
        case ACTION_TYPE_CGROUP:
                if (!is_plain_path(input->text, input->length))
                        wrong = "is no absolute path, or has '.', '..', '//' or a '/' at its end";
                break;
        case ACTION_TYPE_UNIT:
                if (!is_unit(input->text, input->length))
                        wrong = "is no name of a unit with its suffix, like 'nginx.service'";
                break;
        case ACTION_TYPE_NAME:
                if (!is_of(input->text, input->length, "-_"))
                        wrong = "may have letters, digits, '-' and '_'";
                break;
        case ACTION_TYPE_TEXT:
                if (has_control(input->text, input->length))
                        wrong = "has a control character in it";
                break;
        case ACTION_TYPE_BODY:
        case ACTION_TYPE_PROCESS:
        case ACTION_TYPE_PROCESSES:
        case ACTION_TYPE_SIGNAL:
        case ACTION_TYPE_NUMBER:
        case ACTION_TYPE_FLAG:
        case ACTION_TYPE_DURATION:
        case ACTION_TYPE_WORDS: break;
        }
        if (wrong) {
                fault(m, "argument '%s' %s", argument->name, wrong);
                return 0;
        }
        ret->text = arena_strndup(&m->action->arena, input->text, input->length);
        ret->length = input->length;
        return ret->text ? 0 : -ENOMEM;
}

static void take_number(struct making *m, const struct action_argument *argument, int64_t number,
                        struct action_value *ret) {
        if (number < argument->min || number > argument->max)
                fault(m, "argument '%s' is %lld, it may be %lld to %lld", argument->name, (long long)number,
                      (long long)argument->min, (long long)argument->max);
        ret->number = number;
}

static void take_duration(struct making *m, const struct action_argument *argument, const struct action_input *input,
                          struct action_value *ret) {
        uint64_t min_ns = (uint64_t)argument->min * NSEC_PER_SEC, max_ns = (uint64_t)argument->max * NSEC_PER_SEC;
        int r = 0;

        if (input->type == ACTION_INPUT_NUMBER) {
                if (input->number < argument->min || input->number > argument->max)
                        r = -ERANGE;
                else
                        ret->duration_ns = (uint64_t)input->number * NSEC_PER_SEC;
        } else
                r = parse_duration_n(input->text, input->length, min_ns, max_ns, &ret->duration_ns);
        if (r == -ERANGE)
                fault(m, "argument '%s' may be %lld to %lld seconds", argument->name, (long long)argument->min,
                      (long long)argument->max);
        else if (r < 0)
                fault(m, "argument '%s' is %s", argument->name, type_to_string(argument->type));
}

static void take_signal(struct making *m, const struct action_argument *argument, const struct action_input *input,
                        struct action_value *ret) {
        const char *name = input->text;
        size_t n = input->length;

        if (n > 3 && memcmp(name, "SIG", 3) == 0) {
                name += 3;
                n -= 3;
        }
        for (size_t i = 0; i < ELEMENTSOF(signals); i++)
                if (memeq_str(name, n, signals[i].name)) {
                        ret->number = signals[i].number;
                        return;
                }
        fault(m, "argument '%s' is none of the signals that may be sent: %s", argument->name, argument->doc);
}

static int take_words(struct making *m, const struct action_argument *argument, const struct action_input *input,
                      struct action_value *ret) {
        const char **words;

        if (input->n_words < (size_t)argument->min || input->n_words > (size_t)argument->max) {
                fault(m, "argument '%s' has %zu items, it may have %lld to %lld", argument->name, input->n_words,
                      (long long)argument->min, (long long)argument->max);
                return 0;
        }
        words = arena_new_array(&m->action->arena, const char *, input->n_words + 1);
        if (!words)
                return -ENOMEM;
        for (size_t i = 0; i < input->n_words; i++) {
                if (strlen(input->words[i]) > ACTION_WORD_MAX) {
                        fault(m, "argument '%s': item %zu has more than %d bytes", argument->name, i + 1,
                              ACTION_WORD_MAX);
                        return 0;
                }
                words[i] = arena_strdup(&m->action->arena, input->words[i]);
                if (!words[i])
                        return -ENOMEM;
        }
        ret->words = words;
        ret->n_words = input->n_words;
        return 0;
}

static void take_process(struct making *m, const struct action_argument *argument, const struct identity *process) {
        if (process->pid == 0 || process->pid > INT32_MAX || process->start_ns == 0)
                fault(m, "argument '%s': process %u has no start time, so it could be another by now", argument->name,
                      process->pid);
}

static int take_processes(struct making *m, const struct action_argument *argument, const struct action_input *input,
                          struct action_value *ret) {
        struct identity *processes;

        if (input->n_processes > (size_t)argument->max) {
                fault(m, "argument '%s' has %zu items, it may have %lld to %lld", argument->name, input->n_processes,
                      (long long)argument->min, (long long)argument->max);
                return 0;
        }
        for (size_t i = 0; i < input->n_processes; i++)
                take_process(m, argument, &input->processes[i]);
        processes = arena_new_array(&m->action->arena, struct identity, input->n_processes);
        if (!processes)
                return -ENOMEM;
        if (input->n_processes > 0)
                memcpy(processes, input->processes, input->n_processes * sizeof(processes[0]));
        ret->processes = processes;
        ret->n_processes = input->n_processes;
        return 0;
}

static int take(struct making *m, const struct action_argument *argument, const struct action_input *input,
                struct action_value *ret) {
        enum action_input_type wanted = input_for(argument->type);

        ret->given = true;
        if (input->type != wanted &&
            !(argument->type == ACTION_TYPE_DURATION && input->type == ACTION_INPUT_NUMBER)) {
                fault(m, "argument '%s' is %s, not %s", argument->name, type_to_string(argument->type),
                      input_type_to_string(input));
                return 0;
        }
        switch (argument->type) {
        case ACTION_TYPE_PROCESS:
                take_process(m, argument, &input->process);
                ret->process = input->process;
                return 0;
        case ACTION_TYPE_PROCESSES: return take_processes(m, argument, input, ret);
        case ACTION_TYPE_SIGNAL: take_signal(m, argument, input, ret); return 0;
        case ACTION_TYPE_NUMBER:
        case ACTION_TYPE_FLAG: take_number(m, argument, input->number, ret); return 0;
        case ACTION_TYPE_DURATION: take_duration(m, argument, input, ret); return 0;
        case ACTION_TYPE_WORDS: return take_words(m, argument, input, ret);
        case ACTION_TYPE_TEXT:
        case ACTION_TYPE_BODY:
        case ACTION_TYPE_NAME:
        case ACTION_TYPE_PATH:
        case ACTION_TYPE_CGROUP:
        case ACTION_TYPE_UNIT: return take_text(m, argument, input, ret);
        }
        return 0;
}

static void unknown_argument(struct making *m, const struct action_info *info, const char *name) {
        const char *names[ACTION_MAX_ARGUMENTS], *meant;

        for (size_t i = 0; i < info->n_arguments; i++)
                names[i] = info->arguments[i].name;
        meant = diag_closest(name, names, info->n_arguments);
        if (meant)
                fault(m, "there is no argument '%s', did you mean '%s'?", name, meant);
        else
                fault(m, "there is no argument '%s'", name);
}

static int find_kind(struct making *m, const char *name) {
        const char *names[_ACTION_KIND_MAX], *meant;
        int kind = action_kind_from_string(name);

        if (kind >= 0)
                return kind;
        for (int i = 0; i < _ACTION_KIND_MAX; i++)
                names[i] = infos[i].name;
        meant = diag_closest(name, names, _ACTION_KIND_MAX);
        if (meant)
                fault(m, "there is no action '%s', did you mean '%s'?", name, meant);
        else
                fault(m, "there is no action '%s'", name);
        return -EBADMSG;
}

int action_new(const char *name, const struct action_input *inputs, size_t n_inputs, struct strbuf *why,
               struct action **ret) {
        _cleanup_(action_freep) struct action *action = NULL;
        struct making m = {.why = why};
        const struct action_info *info;
        int kind, r;

        assert(name && (inputs || n_inputs == 0) && ret);

        kind = find_kind(&m, name);
        if (kind < 0)
                return kind;
        info = &infos[kind];

        action = m.action = calloc(1, sizeof(*action));
        if (!action)
                return -ENOMEM;
        action->kind = (enum action_kind)kind;
        arena_init(&action->arena, ACTION_BYTES_MAX);

        for (size_t i = 0; i < n_inputs; i++) {
                size_t a = 0;

                while (a < info->n_arguments && !streq(info->arguments[a].name, inputs[i].name))
                        a++;
                if (a == info->n_arguments) {
                        unknown_argument(&m, info, inputs[i].name);
                        continue;
                }
                if (action->values[a].given) {
                        fault(&m, "argument '%s' is there twice", inputs[i].name);
                        continue;
                }
                r = take(&m, &info->arguments[a], &inputs[i], &action->values[a]);
                if (r < 0)
                        return r;
        }
        for (size_t a = 0; a < info->n_arguments; a++)
                if (info->arguments[a].required && !action->values[a].given)
                        fault(&m, "argument '%s' is missing (%s)", info->arguments[a].name, info->arguments[a].doc);
        if (m.n_faults > 0)
                return -EBADMSG;

        *ret = TAKE_PTR(action);
        return 0;
}

struct action *action_free(struct action *action) {
        if (!action)
                return NULL;
        arena_done(&action->arena);
        free(action);
        return NULL;
}

/* ---- for people ---- */

static void put_value(const struct action_argument *argument, const struct action_value *value, struct strbuf *b) {
        char duration[FORMAT_DURATION_MAX];

        switch (argument->type) {
        case ACTION_TYPE_PROCESS: strbuf_put_u64(b, value->process.pid); return;
        case ACTION_TYPE_PROCESSES:
                for (size_t i = 0; i < value->n_processes; i++)
                        strbuf_printf(b, "%s%u", i > 0 ? "," : "", value->processes[i].pid);
                return;
        case ACTION_TYPE_SIGNAL: strbuf_put(b, action_signal_to_string((int)value->number)); return;
        case ACTION_TYPE_NUMBER: strbuf_put_i64(b, value->number); return;
        case ACTION_TYPE_FLAG: strbuf_put(b, value->number ? "yes" : "no"); return;
        case ACTION_TYPE_DURATION: strbuf_put(b, format_duration(duration, value->duration_ns)); return;
        case ACTION_TYPE_BODY: strbuf_printf(b, "(%zu bytes)", value->length); return;
        case ACTION_TYPE_TEXT:
        case ACTION_TYPE_NAME:
        case ACTION_TYPE_PATH:
        case ACTION_TYPE_CGROUP:
        case ACTION_TYPE_UNIT: strbuf_put_text(b, value->text, value->length); return;
        case ACTION_TYPE_WORDS:
                for (size_t i = 0; i < value->n_words; i++) {
                        if (i > 0)
                                strbuf_put_char(b, ' ');
                        strbuf_put_text(b, value->words[i], strlen(value->words[i]));
                }
                return;
        }
}

void action_put(const struct action *action, struct strbuf *b) {
        const struct action_info *info = &infos[action->kind];

        strbuf_put(b, info->name);
        for (size_t i = 0; i < info->n_arguments; i++)
                if (action->values[i].given) {
                        strbuf_printf(b, " %s=", info->arguments[i].name);
                        put_value(&info->arguments[i], &action->values[i], b);
                }
}

static void put_cell(const char *text, struct strbuf *b) {
        for (; *text; text++) {
                if (*text == '|')
                        strbuf_put_char(b, '\\');
                strbuf_put_char(b, *text);
        }
}

static void put_capabilities(struct strbuf *b) {
        strbuf_put(b, "### Capabilities\n\nThe process `respond` keeps of those that its unit (without systemd: the "
                      "daemon) has, and no others:\n\n"
                      "| capability | what for |\n|---|---|\n");
#define CAPABILITY(name, doc) strbuf_put(b, "| `CAP_" #name "` | " doc " |\n");
#include "action/capabilities.def"
        strbuf_put_char(b, '\n');
}

void action_put_reference(struct strbuf *b) {
        put_capabilities(b);
        for (int i = 0; i < _ACTION_KIND_MAX; i++) {
                const struct action_info *info = &infos[i];

                strbuf_printf(b, "### `%s`\n\n", info->name);
                put_cell(info->doc, b);
                strbuf_printf(b, ".\n\n%s Counts against `response.rate_%s`.",
                              info->changes == ACTION_CHANGES_HOST
                                      ? "Changes the host: done with `response.enforce`, else said."
                                      : "Changes nothing but what is execrayd's: also done without "
                                        "`response.enforce`.",
                              action_group_to_string(info->group));
                if (info->undo)
                        strbuf_printf(b, " `execrayctl response undo` %s.", info->undo);
                else
                        strbuf_put(b, " Cannot be undone.");
                strbuf_put(b, "\n\n| argument | type | bounds | |\n|---|---|---|---|\n");
                for (size_t a = 0; a < info->n_arguments; a++) {
                        const struct action_argument *argument = &info->arguments[a];

                        strbuf_printf(b, "| `%s`%s | %s | ", argument->name, argument->required ? "" : ", optional",
                                      type_word(argument->type));
                        if (argument->max == INT64_MAX)
                                strbuf_printf(b, "from %lld", (long long)argument->min);
                        else if (argument->min >= MIB)
                                strbuf_printf(b, "%lld to %lld MiB", (long long)(argument->min / MIB),
                                              (long long)(argument->max / MIB));
                        else if (argument->max > 0)
                                strbuf_printf(b, "%lld to %lld%s", (long long)argument->min, (long long)argument->max,
                                              argument->type == ACTION_TYPE_DURATION ? " s" : "");
                        strbuf_put(b, " | ");
                        put_cell(argument->doc, b);
                        strbuf_put(b, " |\n");
                }
                strbuf_put_char(b, '\n');
        }
}
