/* SPDX-License-Identifier: Apache-2.0 */
/* Redact tools - command lines of tools whose options need to be known (redact-tools.def). */
#include "report/redact-private.h"

#include <string.h>

#include "report/redact-name.h"

enum tool_form {
        ATTACHED,
        EITHER,
        SEPARATE,
        ONCE,
        AFTER_COLON,
        AFTER_PERCENT,
        AFTER_COMMA,
        AFTER_EQUALS,
        WORDS,
};

static const struct tool_option {
        const char *tool, *verb, *option;
        enum tool_form form;
} tool_options[] = {
#define TOOL(tool, verb, option, form) {tool, verb, option, form},
#include "report/redact-tools.def"
};

#define MAX_WORDS 512
#define MAX_TOOLS 8

/* One command line taken apart. More words than fit are left to the other rules. */
struct command {
        struct redact_span words[MAX_WORDS];
        size_t n_words;
        struct {
                const char *name;       /* of tool_options */
                size_t word;
        } tools[MAX_TOOLS];
        size_t n_tools;
};

void finder_tool_letters(uint64_t ret[static 4]) {
        memset(ret, 0, 4 * sizeof(*ret));
        for (size_t i = 0; i < ELEMENTSOF(tool_options); i++)
                letters_add(ret, tool_options[i].tool[0]);
}

/* Not the words: there are kilobytes of them, and texts to be looked at by the dozen. */
static void command_begin(struct command *command) {
        command->n_words = command->n_tools = 0;
}

static bool span_equals(const struct finder *f, struct redact_span span, const char *s) {
        return memeq_str(f->text + span.start, span.end - span.start, s);
}

static bool span_starts(const struct finder *f, struct redact_span span, const char *s) {
        size_t n = strlen(s);

        return span.end - span.start > n && memcmp(f->text + span.start, s, n) == 0;
}

static void command_add(const struct finder *f, struct command *command, size_t start, size_t end) {
        struct redact_span base = {.start = start, .end = end};

        if (command->n_words == MAX_WORDS)
                return;
        command->words[command->n_words++] = base;

        for (size_t i = start; i < end; i++)
                if (f->text[i] == '/')
                        base.start = i + 1;
        /* Most are ruled out by a letter: every argument of every process in an alert comes here. */
        if (base.start == end || !letters_have(f->redactor->tool_letters, f->text[base.start]))
                return;
        for (size_t i = 0; i < ELEMENTSOF(tool_options) && command->n_tools < MAX_TOOLS; i++) {
                if (tool_options[i].tool[0] != f->text[base.start])
                        continue;
                if (i > 0 && streq(tool_options[i].tool, tool_options[i - 1].tool))
                        continue;
                if (!span_equals(f, base, tool_options[i].tool))
                        continue;
                command->tools[command->n_tools].name = tool_options[i].tool;
                command->tools[command->n_tools++].word = command->n_words - 1;
        }
}

/* The part of a value that is secret. */
static void mark_value(struct finder *f, enum tool_form form, size_t start, size_t end) {
        const char *delimiter;
        char c = 0;

        switch (form) {
        case ATTACHED:
        case EITHER:
        case SEPARATE:
        case ONCE:
        case WORDS:
                finder_mark(f, start, end);
                return;
        case AFTER_COLON:
                c = ':';
                break;
        case AFTER_PERCENT:
                c = '%';
                break;
        case AFTER_COMMA:
                c = ',';
                break;
        case AFTER_EQUALS:
                c = '=';
                break;
        }

        delimiter = memchr(f->text + start, c, end - start);
        if (delimiter)
                finder_mark(f, delimiter - f->text + 1, end);
}

static void mark_next(struct finder *f, const struct command *command, size_t i, enum tool_form form) {
        if (i + 1 < command->n_words && !finder_is_option(f, command->words[i + 1].start, command->words[i + 1].end))
                mark_value(f, form, command->words[i + 1].start, command->words[i + 1].end);
}

/* Behind which word the option counts: the tool, or its verb. False if the verb was not given. */
static bool find_start(const struct finder *f, const struct command *command, const char *verb, size_t tool,
                       size_t *ret) {
        for (size_t i = tool; i < command->n_words; i++)
                if (verb[0] == 0 || (i > tool && span_equals(f, command->words[i], verb))) {
                        *ret = i + 1;
                        return true;
                }
        return false;
}

/* Did the word stand for this option? */
static bool apply_option(struct finder *f, const struct command *command, const struct tool_option *o, size_t i) {
        struct redact_span word = command->words[i];
        size_t n_option = strlen(o->option);
        bool is_long = strncmp(o->option, "--", 2) == 0;

        if (o->form == WORDS) {
                if (!finder_is_option(f, word.start, word.end) &&
                    redact_name_is_secret(f->text + word.start, word.end - word.start, NULL, 0))
                        mark_next(f, command, i, o->form);
                return false;
        }

        if (o->form != ATTACHED && span_equals(f, word, o->option))
                mark_next(f, command, i, o->form);
        else if (o->form != SEPARATE && !is_long && span_starts(f, word, o->option))
                mark_value(f, o->form, word.start + n_option, word.end);
        else if (is_long && span_starts(f, word, o->option) && f->text[word.start + n_option] == '=')
                mark_value(f, o->form, word.start + n_option + 1, word.end);
        else
                return false;
        return true;
}

static void command_apply(struct finder *f, const struct command *command) {
        for (size_t t = 0; t < command->n_tools; t++)
                for (size_t k = 0; k < ELEMENTSOF(tool_options); k++) {
                        const struct tool_option *o = tool_options + k;
                        size_t i;

                        if (!streq(o->tool, command->tools[t].name) ||
                            !find_start(f, command, o->verb, command->tools[t].word, &i))
                                continue;
                        for (; i < command->n_words; i++)
                                if (apply_option(f, command, o, i) && o->form == ONCE)
                                        break;
                }
}

static bool ends_command(char c) {
        return c == ';' || c == '|' || c == '&' || c == '\n' || c == '(' || c == ')' || c == '`';
}

/* Words as a shell would see them in text[from..to): quotes keep blanks together and stay part of the word. */
static void scan_shell(struct finder *f, size_t from, size_t to) {
        struct command command;
        size_t i = from;

        command_begin(&command);
        while (i < to) {
                size_t start;
                char quote = 0;

                if (ends_command(f->text[i])) {
                        command_apply(f, &command);
                        command_begin(&command);
                        i++;
                        continue;
                }
                if (finder_is_space(f->text[i])) {
                        i++;
                        continue;
                }

                for (start = i; i < to; i++) {
                        char c = f->text[i];

                        if (quote) {
                                if (c == quote)
                                        quote = 0;
                        } else if (c == '"' || c == '\'')
                                quote = c;
                        else if (finder_is_space(c) || ends_command(c))
                                break;
                }
                command_add(f, &command, start, i);
        }

        command_apply(f, &command);
}

void finder_scan_tools(struct finder *f) {
        struct command command;
        size_t end;

        command_begin(&command);
        if (f->mode != REDACT_ARGUMENTS) {
                scan_shell(f, 0, f->n);
                return;
        }

        for (size_t i = 0; i < f->n; i = end + 1) {
                bool has_space = false;

                end = finder_element_end(f, i);
                for (size_t k = i; k < end && !has_space; k++)
                        has_space = finder_is_space(f->text[k]);

                command_add(f, &command, i, end);
                if (has_space)
                        scan_shell(f, i, end);
        }
        command_apply(f, &command);
}
