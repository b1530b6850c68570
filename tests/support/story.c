/* SPDX-License-Identifier: Apache-2.0 */
#include "story.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/macro.h"
#include "base/parse.h"
#include "story-private.h"

#define MAX_WORDS 64

struct line {
        struct story_place place;
        struct story_word words[MAX_WORDS];
        size_t n_words;
        const char *columns;
};

int story_error(const struct story_place *place, const struct story_word *word, const char *format, ...) {
        struct diag_span span = {
                .file = place->story->name,
                .line = place->line,
                .column = word ? word->at - place->line_start + 1 : 1,
                .length = word ? (word->value ? word->value + word->n_value : word->name + word->n_name) - word->at : 1,
        };
        va_list ap;

        va_start(ap, format);
        diag_vreport(place->diags, DIAG_ERROR, span, format, ap);
        va_end(ap);
        return -EBADMSG;
}

/* One C escape at *at, behind the backslash; moves on. */
static char unescape(const char **at, const char *end) {
        char c = *(*at)++;
        char hex[3] = {};

        switch (c) {
        case 'n': return '\n';
        case 't': return '\t';
        case 'r': return '\r';
        case '0': return '\0';
        case 'x':
                for (size_t i = 0; i < 2 && *at < end; i++)
                        hex[i] = *(*at)++;
                return (char)strtoul(hex, NULL, 16);
        default: return c;
        }
}

/* One string that ends at a blank, or at its closing quote; behind it *at stands. */
static char *take_string(const char **at, const char *end, char *to) {
        if (*at < end && **at == '"') {
                for ((*at)++; *at < end && **at != '"';)
                        if (**at == '\\' && *at + 1 < end) {
                                (*at)++;
                                *to++ = unescape(at, end);
                        } else
                                *to++ = *(*at)++;
                if (*at < end)
                        (*at)++;
                return to;
        }
        while (*at < end && **at != ' ' && **at != '\t')
                *to++ = *(*at)++;
        return to;
}

static bool take_cut(const char *value, size_t *n) {
        if (*n == 0 || value[*n - 1] != '~')
                return false;
        (*n)--;
        return true;
}

int story_text(const struct story_place *place, const struct story_word *word, const char **ret, size_t *ret_n,
               bool *ret_cut) {
        size_t n = word->n_value;
        const char *at = word->value, *end;
        char *text, *to;

        *ret_cut = take_cut(word->value, &n);
        end = word->value + n;
        text = arena_alloc(&place->story->world.arena, n + 1);
        if (!text)
                return -ENOMEM;
        to = take_string(&at, end, text);
        if (at != end)
                return story_error(place, word, "text behind the closing quote");
        *to = '\0';
        *ret = text;
        *ret_n = to - text;
        return 0;
}

int story_list(const struct story_place *place, const struct story_word *word, const char **ret, size_t *ret_n,
               bool *ret_cut) {
        size_t n = word->n_value;
        const char *at = word->value, *end;
        char *text, *to;

        *ret_cut = take_cut(word->value, &n);
        if (n < 2 || word->value[0] != '[' || word->value[n - 1] != ']')
                return story_error(place, word, "a list looks like [a \"b c\" d]");
        end = word->value + n - 1;
        text = to = arena_alloc(&place->story->world.arena, 2 * n + 1);
        if (!text)
                return -ENOMEM;
        for (at++; at < end;) {
                if (*at == ' ' || *at == '\t') {
                        at++;
                        continue;
                }
                to = take_string(&at, end, to);
                *to++ = '\0';
        }
        *ret = text;
        *ret_n = to - text;
        return 0;
}

int story_number(const struct story_place *place, const struct story_word *word, enum field_format format,
                 int64_t *ret) {
        int64_t sum = 0;

        for (const char *at = word->value, *end = at + word->n_value; at < end;) {
                const char *bar = memchr(at, '|', end - at) ?: end;
                uint64_t unsigned_number;
                int64_t number;

                if (schema_constant(at, bar - at, format, &number) ||
                    schema_constant(at, bar - at, FORMAT_PLAIN, &number) ||
                    parse_i64_n(at, bar - at, INT64_MIN, INT64_MAX, &number) >= 0)
                        sum |= number;
                else if (parse_duration_n(at, bar - at, 0, INT64_MAX, &unsigned_number) >= 0 ||
                         parse_size_n(at, bar - at, 0, INT64_MAX, &unsigned_number) >= 0)
                        sum |= (int64_t)unsigned_number;
                else
                        return story_error(place, word, "'%.*s' is no number", (int)(bar - at), at);
                at = bar < end ? bar + 1 : end;
        }
        *ret = sum;
        return 0;
}

/* Cut a line into words; a `#` at the beginning of a word opens a comment, a bar the columns. */
static int split(struct line *line, const char *at, const char *end) {
        while (at < end) {
                struct story_word *word = &line->words[line->n_words];
                int depth = 0;
                bool quoted = false;
                const char *start = at, *equals = NULL;

                if (*at == ' ' || *at == '\t') {
                        at++;
                        continue;
                }
                if (*at == '#')
                        break;
                if (*at == '|') {
                        line->columns = arena_strndup(&line->place.story->world.arena, at + 1, end - at - 1);
                        return line->columns ? 0 : -ENOMEM;
                }
                for (; at < end && (quoted || depth > 0 || (*at != ' ' && *at != '\t')); at++)
                        if (quoted && *at == '\\' && at + 1 < end)
                                at++;
                        else if (*at == '"')
                                quoted = !quoted;
                        else if (!quoted && (*at == '[' || *at == ']'))
                                depth += *at == '[' ? 1 : -1;
                        else if (*at == '=' && !equals)
                                equals = at;

                *word = (struct story_word){ .at = start, .name = start, .n_name = (equals ?: at) - start };
                if (equals) {
                        word->value = equals + 1;
                        word->n_value = at - equals - 1;
                }
                if (quoted || depth > 0)
                        return story_error(&line->place, word, "a quote or bracket is not closed");
                if (++line->n_words == MAX_WORDS)
                        return story_error(&line->place, NULL, "too many words");
        }
        return 0;
}

static char *word_text(struct story *story, const char *text, size_t n) {
        return arena_strndup(&story->world.arena, text, n);
}

/* A process that the story uses without having introduced it. */
static struct world_process *find_or_make(struct story *story, const char *label) {
        struct world *world = &story->world;
        struct world_process *process = world_find(world, label);

        if (process)
                return process;
        process = world_add(world, label, world->init, WORLD_START_NS / 2 + world->next_pid);
        if (!process)
                return NULL;
        process->uid = process->euid = process->gid = process->egid = 1000;
        process->exe = arena_printf(&world->arena, "/usr/bin/%s", label);
        return process->exe && world_tell(world, process, NULL) >= 0 ? process : NULL;
}

/* Words that are about the process, in every line: taken out of the list. */
static int process_words(struct line *line, size_t first, struct world_process *process) {
        struct story *story = line->place.story;
        size_t kept = first;

        for (size_t i = first; i < line->n_words; i++) {
                const struct story_word *word = &line->words[i];
                uint32_t *number = NULL;
                int64_t value;
                int r;

                if (!word->value) {
                        line->words[kept++] = *word;
                        continue;
                }
                if (story_word_is(word, "uid"))
                        number = &process->uid;
                else if (story_word_is(word, "euid"))
                        number = &process->euid;
                else if (story_word_is(word, "gid"))
                        number = &process->gid;
                else if (story_word_is(word, "egid"))
                        number = &process->egid;
                else if (story_word_is(word, "loginuid"))
                        number = &process->loginuid;
                else if (story_word_is(word, "session"))
                        number = &process->session;

                if (number) {
                        r = story_number(&line->place, word, FORMAT_ID, &value);
                        if (r < 0)
                                return r;
                        *number = (uint32_t)value;
                        if (story_word_is(word, "uid"))
                                process->euid = process->uid;
                        if (story_word_is(word, "gid"))
                                process->egid = process->gid;
                } else if (story_word_is(word, "cgroup")) {
                        const char *path = word_text(story, word->value, word->n_value);

                        process->cgroup_id = path ? world_cgroup(&story->world, path) : 0;
                        if (process->cgroup_id == 0)
                                return -ENOMEM;
                } else if (story_word_is(word, "tree"))
                        process->hides_tree = memeq_str(word->value, word->n_value, "?");
                else if (story_word_is(word, "creator"))
                        process->hides_creator = memeq_str(word->value, word->n_value, "?");
                else
                        line->words[kept++] = *word;
        }
        line->n_words = kept;
        return 0;
}

/*      process LABEL [parent=LABEL] [exe=PATH] [argv=[...]] [uid=N] ... [supervisor] [kthread] */
static int process_line(struct line *line) {
        struct story *story = line->place.story;
        const char *exe = NULL, *argv_bytes = NULL, *label;
        struct world_process *process, *parent = story->world.init;
        const char *argv[MAX_WORDS] = {};
        size_t n, n_argv = 0;
        bool cut;
        int r;

        if (line->n_words < 2 || line->words[1].value)
                return story_error(&line->place, NULL, "expected: process LABEL ...");
        for (size_t i = 2; i < line->n_words; i++)
                if (story_word_is(&line->words[i], "parent") && line->words[i].value)
                        parent = find_or_make(story, word_text(story, line->words[i].value, line->words[i].n_value));

        label = word_text(story, line->words[1].name, line->words[1].n_name);
        process = parent && label ? world_add(&story->world, label, parent, WORLD_START_NS / 2 + story->world.next_pid)
                                  : NULL;
        if (!process)
                return -ENOMEM;
        if (parent == story->world.init)
                process->uid = process->euid = process->gid = process->egid = 1000;
        r = process_words(line, 2, process);
        if (r < 0)
                return r;

        for (size_t i = 2; i < line->n_words; i++) {
                const struct story_word *word = &line->words[i];

                r = 0;
                if (story_word_is(word, "supervisor"))
                        process->supervisor = true;
                else if (story_word_is(word, "kthread"))
                        process->kthread = true;
                else if (story_word_is(word, "exe") && word->value)
                        r = story_text(&line->place, word, &exe, &n, &cut);
                else if (story_word_is(word, "argv") && word->value)
                        r = story_list(&line->place, word, &argv_bytes, &n_argv, &cut);
                else if (!story_word_is(word, "parent"))
                        r = story_error(&line->place, word, "a process has no '%.*s'", (int)word->n_name, word->name);
                if (r < 0)
                        return r;
        }
        process->exe = exe ?: arena_printf(&story->world.arena, "/usr/bin/%s", label);
        if (!process->exe)
                return -ENOMEM;

        n = 0;
        for (const char *at = argv_bytes; at && at < argv_bytes + n_argv && n < MAX_WORDS - 1; at += strlen(at) + 1)
                argv[n++] = at;
        return world_tell(&story->world, process, argv_bytes ? argv : NULL);
}

static int fork_line(struct line *line, struct world_process *actor) {
        struct story *story = line->place.story;

        if (line->n_words != 4 || !story_word_is(&line->words[3], "child") || !line->words[3].value)
                return story_error(&line->place, NULL, "expected: TIME LABEL fork child=LABEL");
        return world_fork(&story->world, actor, word_text(story, line->words[3].value, line->words[3].n_value), NULL);
}

/*      TIME LABEL KIND [name=value ...] */
static int event_line(struct line *line) {
        struct story *story = line->place.story;
        const struct story_word *time = &line->words[0];
        struct world_process *actor = NULL;
        bool relative = time->n_name > 0 && time->name[0] == '+';
        enum wire_kind kind;
        uint64_t ns;
        int r;

        if (line->n_words < 3)
                return story_error(&line->place, NULL, "expected: TIME PROCESS KIND ...");
        if (parse_duration_n(time->name + relative, time->n_name - relative, 0, INT64_MAX / 2, &ns) < 0)
                return story_error(&line->place, time, "'%.*s' is no time", (int)time->n_name, time->name);
        kind = schema_find_kind(line->words[2].name, line->words[2].n_name);
        if (kind == WIRE_NONE)
                return story_error(&line->place, &line->words[2], "unknown kind '%.*s'", (int)line->words[2].n_name,
                                   line->words[2].name);

        story->world.now_ns = relative ? story->world.now_ns + ns : WORLD_START_NS + ns;
        if (!story_word_is(&line->words[1], "-")) {
                actor = find_or_make(story, word_text(story, line->words[1].name, line->words[1].n_name));
                if (!actor)
                        return -ENOMEM;
                r = process_words(line, 3, actor);
                if (r < 0)
                        return r;
        }

        story->world.line = line->place.line;
        if (kind == WIRE_KIND_fork && actor)
                r = fork_line(line, actor);
        else {
                world_begin(&story->world, actor, kind);
                r = story_fields(&line->place, actor, kind, line->words + 3, line->n_words - 3);
                if (r >= 0)
                        r = world_end(&story->world);
                if (kind == WIRE_KIND_exit && actor)
                        actor->exited = true;
        }
        story->world.line = 0;
        if (r < 0)
                return r;

        return array_push(&story->lines, ((struct story_line){
                .record = story->world.records.n - 1,
                .columns = line->columns,
                .line = line->place.line,
        }));
}

int story_parse(const char *name, const char *text, uint32_t first_line, struct diag_set *diags, struct story **ret) {
        struct story *story = calloc(1, sizeof(*story));
        uint32_t number = first_line;
        int r, result = 0;

        if (!story)
                return -ENOMEM;
        story->name = name;
        r = world_init(&story->world);

        for (const char *at = text; r >= 0 && *at; number++) {
                const char *end = strchrnul(at, '\n');
                struct line line = { .place = { story, diags, at, number } };

                r = split(&line, at, end);
                if (r >= 0 && line.n_words > 0)
                        r = story_word_is(&line.words[0], "process") && !line.words[0].value ? process_line(&line)
                                                                                             : event_line(&line);
                if (r == -EBADMSG || r == -EINVAL) {
                        if (r == -EINVAL)
                                story_error(&line.place, NULL, "this does not make a record");
                        result = -EBADMSG;      /* go on: tell all errors */
                        r = 0;
                }
                at = *end ? end + 1 : end;
        }
        if (r < 0 || result < 0) {
                story_free(story);
                return r < 0 ? r : result;
        }
        *ret = story;
        return 0;
}

struct story *story_free(struct story *story) {
        if (!story)
                return NULL;
        array_done(&story->lines);
        world_done(&story->world);
        free(story);
        return NULL;
}

char *story_time(char buffer[static STORY_TIME_MAX], uint64_t time_ns) {
        char duration[FORMAT_DURATION_MAX];

        if (time_ns < WORLD_START_NS)
                snprintf(buffer, STORY_TIME_MAX, "-%s", format_duration(duration, WORLD_START_NS - time_ns));
        else
                snprintf(buffer, STORY_TIME_MAX, "%s", format_duration(duration, time_ns - WORLD_START_NS));
        return buffer;
}

const char *story_process(struct story *story, const struct identity *id) {
        ARRAY_FOREACH(process, &story->world.processes)
                if (identity_equal(&(*process)->id, id))
                        return (*process)->label;
        return arena_printf(&story->world.arena, "pid %u", id->pid);
}
