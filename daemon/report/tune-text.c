/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include "base/strbuf.h"
#include "report/tune-private.h"

#define MAX_SHOWN 10                    /* kinds of alerts that remain */
#define MAX_EXAMPLES 5                  /* that an exception hides */
#define MAX_SHOWN_ARGS 120

static const char *const trait_fields[_TUNE_TRAIT_MAX] = {"proc.exe", "parent.exe",    "proc.unit",
                                                          "proc.uid", "proc.loginuid", "proc.args"};

/* A string of the language: `==` and `in` take it to the letter. With nothing in it that is not plain on every
 * terminal. */
static void put_string(const char *text, size_t n, struct strbuf *b) {
        strbuf_put_char(b, '"');
        for (size_t i = 0; i < n; i++) {
                unsigned char c = (unsigned char)text[i];

                if (c == '"' || c == '\\')
                        strbuf_put_char(b, '\\');
                if (c < 0x20 || c > 0x7e)
                        strbuf_printf(b, "\\x%02x", c);
                else
                        strbuf_put_char(b, (char)c);
        }
        strbuf_put_char(b, '"');
}

static void put_known(const char *before, const char *text, const char *otherwise, struct strbuf *b) {
        strbuf_put(b, before);
        if (text)
                strbuf_put_text(b, text, strlen(text));
        else
                strbuf_put(b, otherwise);
}

static bool looks_alike(const struct tune_item *a, const struct tune_item *b) {
        return tune_compare_traits(a, b, (1U << _TUNE_TRAIT_MAX) - 1) == 0 && a->file == b->file &&
               a->barred == b->barred;
}

static void put_remaining(const struct tune_item *item, struct strbuf *b) {
        const char *unit = item->traits[TUNE_UNIT];

        put_known("", item->traits[TUNE_EXE], "an image that is not known", b);
        put_known(" below ", item->traits[TUNE_PARENT], "?", b);
        put_known(", ", unit && *unit ? unit : NULL, unit ? "no unit" : "a unit that is not known", b);
        put_known(", uid ", item->traits[TUNE_UID], "?", b);
}

/* Alerts that are alike in one line, in order of arrival: those that this exception hides, or that none does. */
static void put_alerts(const struct tune *tune, const struct tune_policy *policy, size_t hidden_by, const char *begin,
                       struct strbuf *b) {
        const size_t max = hidden_by == SIZE_MAX ? MAX_SHOWN : MAX_EXAMPLES;
        const struct tune_item *shown[MAX_SHOWN];
        uint64_t n_shown[MAX_SHOWN] = {}, last[MAX_SHOWN] = {}, n_more = 0;
        size_t n = 0;

        for (size_t i = policy->first; i < policy->first + policy->n; i++) {
                const struct tune_item *item = tune->items.items + i;
                size_t k = 0;

                if (item->hidden_by != hidden_by)
                        continue;
                while (k < n && !looks_alike(shown[k], item))
                        k++;
                if (k == max) {
                        n_more += item->n;
                        continue;
                }
                if (k == n)
                        shown[n++] = item;
                n_shown[k] += item->n;
                last[k] = item->number;
        }
        for (size_t k = 0; k < n; k++) {
                const char *args = shown[k]->traits[TUNE_ARGS];

                strbuf_printf(b, "%s%" PRIu64 " x ", begin, n_shown[k]);
                if (hidden_by == SIZE_MAX)
                        put_remaining(shown[k], b);
                else if (args)
                        strbuf_put_text(b, args, strnlen(args, MAX_SHOWN_ARGS));
                else
                        put_known("", shown[k]->traits[TUNE_EXE], "", b);
                if (shown[k]->file)
                        put_known(": ", shown[k]->file, "", b);
                if (shown[k]->barred)
                        strbuf_printf(b, " (%s)", shown[k]->barred);
                if (shown[k]->number > 0)
                        strbuf_printf(b, "  #%" PRIu64, shown[k]->number);
                if (last[k] > shown[k]->number && shown[k]->number > 0)
                        strbuf_printf(b, " to #%" PRIu64, last[k]);
                strbuf_put_char(b, '\n');
        }
        if (n_more > 0)
                strbuf_printf(b, "%s%" PRIu64 " more\n", begin, n_more);
}

static void put_value(enum tune_trait trait, const char *value, struct strbuf *b) {
        if (trait == TUNE_UID || trait == TUNE_LOGIN)
                strbuf_put(b, value);
        else
                put_string(value, strlen(value), b);
}

static void put_list(enum tune_trait trait, const char *const *values, size_t n, struct strbuf *b) {
        strbuf_put(b, " in [");
        for (size_t i = 0; i < n; i++) {
                strbuf_put(b, i > 0 ? ", " : "");
                put_value(trait, values[i], b);
        }
        strbuf_put(b, "]\n");
}

static void put_trait(const struct tune_exception *exception, enum tune_trait trait, struct strbuf *b) {
        const char *value = exception->traits[trait];
        bool has_sessions = false;

        if (trait == exception->varied) {
                /* The name that stands for all logins is a pattern, and no list has such. */
                for (size_t i = 0; i < exception->n_values; i++)
                        has_sessions = has_sessions || streq(exception->values[i], TUNE_SESSIONS);
                strbuf_printf(b, "        %s", trait_fields[trait]);
                if (!has_sessions || trait != TUNE_UNIT) {
                        put_list(trait, exception->values, exception->n_values, b);
                        return;
                }
                strbuf_put(b, " glob \"" TUNE_SESSIONS "\"");
                for (size_t i = 0; i < exception->n_values; i++) {
                        if (streq(exception->values[i], TUNE_SESSIONS))
                                continue;
                        strbuf_printf(b, " or %s == ", trait_fields[trait]);
                        put_value(trait, exception->values[i], b);
                }
                strbuf_put_char(b, '\n');
        } else if (value) {
                bool pattern = trait == TUNE_UNIT && streq(value, TUNE_SESSIONS);

                strbuf_printf(b, "        %s %s ", trait_fields[trait], pattern ? "glob" : "==");
                put_value(trait, value, b);
                strbuf_put_char(b, '\n');
        }
}

static void put_files(const struct tune_exception *exception, struct strbuf *b) {
        if (exception->n_files == 0)
                return;
        strbuf_printf(b, "        %s", exception->file_field);
        if (exception->directory_length > 0) {
                strbuf_put(b, " startswith ");
                put_string(exception->files[0], exception->directory_length, b);
                /* As the caller named it: it must not lead out again. */
                strbuf_printf(b, "\n        not %s contains \"/../\"\n", exception->file_field);
        } else if (exception->n_files > 1)
                put_list(_TUNE_TRAIT_MAX, exception->files, exception->n_files, b);
        else {
                strbuf_put(b, " == ");
                put_string(exception->files[0], strlen(exception->files[0]), b);
                strbuf_put_char(b, '\n');
        }
}

static void put_exception(const struct tune *tune, const struct tune_policy *policy, size_t number, struct strbuf *b) {
        const struct tune_exception *exception = policy->exceptions + number;

        if (!exception->traits[TUNE_ARGS])
                strbuf_put(b, "    # whatever the arguments\n");
        put_alerts(tune, policy, number, "    #   ", b);
        strbuf_printf(b, "    except \"proposed by tune: %" PRIu64 " of %" PRIu64 " alerts\" {\n", exception->n_hidden,
                      policy->n_alerts);
        for (int i = 0; i < _TUNE_TRAIT_MAX; i++)
                put_trait(exception, (enum tune_trait)i, b);
        strbuf_put(b, "        proc.container.id == \"\"\n");
        put_files(exception, b);
        strbuf_put(b, "    }\n");
}

void tune_put_policy(const struct tune *tune, const struct tune_policy *policy, struct strbuf *b) {
        uint64_t n_left = policy->n_alerts - policy->n_hidden;

        strbuf_put(b, "# ");
        strbuf_put_text(b, policy->name, strlen(policy->name));
        strbuf_printf(b,
                      ", %s: %" PRIu64 " of %" PRIu64 " alerts would have been silenced, %" PRIu64 " would remain%s\n",
                      severity_to_string(policy->severity), policy->n_hidden, policy->n_alerts, n_left,
                      n_left > 0 ? ":" : "");
        put_alerts(tune, policy, SIZE_MAX, "#   ", b);
        if (policy->more)
                strbuf_printf(b, "# More than %d exceptions would be needed: look at the policy itself\n",
                              TUNE_MAX_EXCEPTIONS);
        if (tune_policy_is_grave(policy))
                strbuf_printf(b,
                              "# WARNING: this silences EVERYTHING that a policy of severity %s said. Is one of these "
                              "an attack?\n",
                              severity_to_string(policy->severity));
        if (policy->n_exceptions == 0)
                return;
        strbuf_put(b, "path ");
        put_string(policy->name, strlen(policy->name), b);
        strbuf_put(b, " {\n");
        for (size_t i = 0; i < policy->n_exceptions; i++)
                put_exception(tune, policy, i, b);
        strbuf_put(b, "}\n");
}

void tune_put_anywhere(const struct tune_policy *policy, struct strbuf *b) {
        static const enum tune_trait kept[] = {TUNE_EXE, TUNE_PARENT, TUNE_ARGS};

        strbuf_put(b, "path ");
        put_string(policy->name, strlen(policy->name), b);
        strbuf_put(b, " {\n");
        for (size_t i = 0; i < policy->n_exceptions; i++) {
                strbuf_put(b, "    except {\n");
                for (size_t k = 0; k < ELEMENTSOF(kept); k++)
                        put_trait(policy->exceptions + i, kept[k], b);
                put_files(policy->exceptions + i, b);
                strbuf_put(b, "    }\n");
        }
        strbuf_put(b, "}\n");
}
