/* SPDX-License-Identifier: Apache-2.0 */
#include "story/story.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/macro.h"
#include "base/parse.h"
#include "story/story-private.h"

#define ARENA_MAX (256U << 20)          /* records of at most 32 KiB, as long as lines make them */
#define TIME_MAX_NS (INT64_MAX / 4)

struct line {
        struct story_place place;
        struct story_word words[STORY_MAX_WORDS];
        size_t n_words;
        const char *columns;
};

/* A label as somebody wrote it, copied. 0, or -EBADMSG, -ENOMEM. */
static int take_label(const struct line *line, const struct story_word *word, const char *text, size_t n,
                      const char **ret) {
        if (n == 0 || n > STORY_MAX_LABEL || memchr(text, '"', n) || memchr(text, '/', n) || memeq_str(text, n, "-"))
                return story_error(&line->place, word,
                                   "'%.*s' cannot be the label of a process: one word of at most %d characters, "
                                   "without slash",
                                   (int)MIN(n, (size_t)STORY_MAX_LABEL), text, STORY_MAX_LABEL);
        *ret = arena_strndup(&line->place.story->world.arena, text, n);
        return *ret ? 0 : -ENOMEM;
}

static int check_room(const struct line *line, const struct story_word *word) {
        if (line->place.story->world.processes.n >= STORY_MAX_PROCESSES)
                return story_error(&line->place, word, "more than %d processes", STORY_MAX_PROCESSES);
        return 0;
}

/* A process that the story names; if it was not introduced, an ordinary child of init. */
static int find_or_make(const struct line *line, const struct story_word *word, const char *text, size_t n,
                        struct world_process **ret) {
        struct world *world = &line->place.story->world;
        struct world_process *process;
        const char *label;
        int r;

        r = take_label(line, word, text, n, &label);
        if (r < 0)
                return r;
        *ret = world_find(world, label);
        if (*ret)
                return 0;

        r = check_room(line, word);
        if (r < 0)
                return r;
        process = world_add(world, label, world->init, WORLD_START_NS / 2 + world->next_pid);
        if (!process)
                return -ENOMEM;
        process->uid = process->euid = process->gid = process->egid = 1000;
        process->exe = arena_printf(&world->arena, "/usr/bin/%s", label);
        if (!process->exe)
                return -ENOMEM;
        *ret = process;
        return world_tell(world, process, NULL);
}

static uint32_t *process_number(struct world_process *process, const struct story_word *word) {
        if (story_word_is(word, "uid"))
                return &process->uid;
        if (story_word_is(word, "euid"))
                return &process->euid;
        if (story_word_is(word, "gid"))
                return &process->gid;
        if (story_word_is(word, "egid"))
                return &process->egid;
        if (story_word_is(word, "loginuid"))
                return &process->loginuid;
        if (story_word_is(word, "session"))
                return &process->session;
        return NULL;
}

static int set_cgroup(const struct line *line, const struct story_word *word, struct world_process *process) {
        const char *path;
        size_t n;
        bool cut;
        int r;

        r = story_text(&line->place, word, &path, &n, &cut);
        if (r < 0)
                return r;
        if (n == 0 || *path != '/' || n >= WIRE_MAX_PATH)
                return story_error(&line->place, word, "a cgroup is a path from the root of its hierarchy");
        process->cgroup_id = world_cgroup(&line->place.story->world, path);
        return process->cgroup_id == 0 ? -ENOMEM : 0;
}

static int set_hidden(const struct line *line, const struct story_word *word, bool *ret) {
        if (!memeq_str(word->value, word->n_value, "?"))
                return story_error(&line->place, word, "'%.*s' can only be hidden: %.*s=?", (int)word->n_name,
                                   word->name, (int)word->n_name, word->name);
        *ret = true;
        return 0;
}

/* Words that are about the process, in every line: taken out of the list. */
static int process_words(struct line *line, size_t first, struct world_process *process) {
        size_t kept = first;

        for (size_t i = first; i < line->n_words; i++) {
                const struct story_word *word = &line->words[i];
                uint32_t *number = word->value ? process_number(process, word) : NULL;
                int64_t value;
                int r = 0;

                if (number) {
                        r = story_number(&line->place, word, FORMAT_ID, &value);
                        if (r < 0)
                                return r;
                        if (value < -1 || value > UINT32_MAX)
                                return story_error(&line->place, word, "no id is that large");
                        *number = (uint32_t)value;
                        if (number == &process->uid)
                                process->euid = process->uid;
                        if (number == &process->gid)
                                process->egid = process->gid;
                } else if (word->value && story_word_is(word, "cgroup"))
                        r = set_cgroup(line, word, process);
                else if (word->value && story_word_is(word, "tree"))
                        r = set_hidden(line, word, &process->hides_tree);
                else if (word->value && story_word_is(word, "creator"))
                        r = set_hidden(line, word, &process->hides_creator);
                else
                        line->words[kept++] = *word;
                if (r < 0)
                        return r;
        }
        line->n_words = kept;
        return 0;
}

static int process_word_unknown(const struct line *line, const struct story_word *word) {
        static const char *const names[] = {"parent",  "exe",  "argv",       "uid",      "euid",
                                            "gid",     "egid", "cgroup",     "loginuid", "session",
                                            "kthread", "tree", "supervisor", "creator",    "ns.mnt",
                                            "ns.pid",  "ns.net", "ns.user",  "ns.uts",     "ns.ipc",
                                            "ns.cgroup", "ns.time"};

        story_error(&line->place, word, "a process has no '%.*s'", (int)word->n_name, word->name);
        diag_did_you_mean(line->place.diags, diag_closest_n(word->name, word->n_name, names, ELEMENTSOF(names)));
        return -EBADMSG;
}

/* `ns.mnt` and the others of the snapshot; events tell them by their own fields. Returns 1 if it was one. */
static int process_namespace(const struct line *line, const struct story_word *word, struct world_process *process) {
        enum field field = schema_find_field(WIRE_KIND_process, word->name, word->n_name);
        int64_t number;
        int r;

        if (field < FIELD_process_ns_mnt || field > FIELD_process_ns_time || !word->value)
                return 0;
        r = story_number(&line->place, word, FORMAT_PLAIN, &number);
        if (r < 0)
                return r;
        if (number <= 0 || number > UINT32_MAX)
                return story_error(&line->place, word, "no namespace has that number");
        process->namespaces[field - FIELD_process_ns_mnt] = (uint32_t)number;
        return 1;
}

/* What is left of the words of such a line: what the process is, and what it runs. */
static int process_image_words(const struct line *line, struct world_process *process, const char **ret_argv,
                               size_t *ret_n_argv) {
        const char *exe;
        size_t n;
        bool cut;
        int r = 0;

        for (size_t i = 2; i < line->n_words && r >= 0; i++) {
                const struct story_word *word = &line->words[i];

                if (story_word_is(word, "supervisor") && !word->value)
                        process->supervisor = true;
                else if (story_word_is(word, "kthread") && !word->value)
                        process->kthread = true;
                else if (story_word_is(word, "exe") && word->value) {
                        r = story_text(&line->place, word, &exe, &n, &cut);
                        if (r >= 0)
                                process->exe = exe;
                } else if (story_word_is(word, "argv") && word->value)
                        r = story_list(&line->place, word, ret_argv, ret_n_argv, &cut);
                else if (!story_word_is(word, "parent") || !word->value) {
                        r = process_namespace(line, word, process);
                        if (r == 0)
                                r = process_word_unknown(line, word);
                }
        }
        return r;
}

/*      process LABEL [parent=LABEL] [exe=PATH] [argv=[...]] [uid=N] ... [supervisor] [kthread] */
static int process_line(struct line *line) {
        struct world *world = &line->place.story->world;
        const char *argv_bytes = NULL, *label;
        struct world_process *process, *parent = world->init;
        const char *argv[STORY_MAX_WORDS] = {};
        size_t n = 0, n_argv = 0;
        int r;

        if (line->n_words < 2 || line->words[1].value)
                return story_error(&line->place, NULL, "expected: process LABEL ...");
        r = take_label(line, &line->words[1], line->words[1].name, line->words[1].n_name, &label);
        for (size_t i = 2; i < line->n_words && r >= 0; i++)
                if (story_word_is(&line->words[i], "parent") && line->words[i].value)
                        r = find_or_make(line, &line->words[i], line->words[i].value, line->words[i].n_value, &parent);
        if (r >= 0)
                r = check_room(line, &line->words[1]);
        if (r < 0)
                return r;

        process = world_add(world, label, parent, WORLD_START_NS / 2 + world->next_pid);
        if (!process)
                return -ENOMEM;
        if (parent == world->init)
                process->uid = process->euid = process->gid = process->egid = 1000;
        process->exe = arena_printf(&world->arena, "/usr/bin/%s", label);
        if (!process->exe)
                return -ENOMEM;
        r = process_words(line, 2, process);
        if (r >= 0)
                r = process_image_words(line, process, &argv_bytes, &n_argv);
        if (r < 0)
                return r;

        for (const char *at = argv_bytes; at && at < argv_bytes + n_argv && n < STORY_MAX_WORDS - 1;
             at += strlen(at) + 1)
                argv[n++] = at;
        return world_tell(world, process, argv_bytes ? argv : NULL);
}

static int fork_line(struct line *line, struct world_process *actor) {
        const struct story_word *word = &line->words[3];
        struct world *world = &line->place.story->world;
        struct world_process *child;
        const char *label;
        int r;

        if (line->n_words < 4 || !story_word_is(word, "child") || !word->value)
                return story_error(&line->place, NULL, "expected: TIME PROCESS fork child=LABEL");
        for (size_t i = 4; i < line->n_words; i++)
                if (story_word_is(&line->words[i], "child.pid") || story_word_is(&line->words[i], "child.start_time"))
                        return story_error(&line->place, &line->words[i], "who the child is follows from its label");
        r = take_label(line, word, word->value, word->n_value, &label);
        if (r >= 0)
                r = check_room(line, word);
        if (r >= 0)
                r = world_fork_begin(world, actor, label, &child);
        if (r >= 0)
                r = story_fields(&line->place, actor, WIRE_KIND_fork, word + 1, line->n_words - 4);
        return r < 0 ? r : world_end(world);
}

static int kind_unknown(const struct line *line, const struct story_word *word) {
        const char *names[_WIRE_KIND_MAX];
        size_t n = 0;

        for (unsigned kind = WIRE_NONE + 1; kind < _WIRE_KIND_MAX; kind++)
                names[n++] = schema_kind((enum wire_kind)kind)->name;
        story_error(&line->place, word, "unknown kind of event '%.*s'", (int)word->n_name, word->name);
        diag_did_you_mean(line->place.diags, diag_closest_n(word->name, word->n_name, names, n));
        return -EBADMSG;
}

static int take_time(struct line *line) {
        const struct story_word *time = &line->words[0];
        struct world *world = &line->place.story->world;
        bool relative = time->n_name > 0 && time->name[0] == '+';
        uint64_t ns;

        if (time->value || parse_duration_n(time->name + relative, time->n_name - relative, 0, TIME_MAX_NS, &ns) < 0)
                return story_error(&line->place, time,
                                   "'%.*s' is no time: a line begins with one, as in 0s, 1.5s, 200ms or +2s",
                                   (int)MIN(time->n_name, (size_t)80), time->name);
        if (relative && world->now_ns > (uint64_t)TIME_MAX_NS)
                return story_error(&line->place, time, "a story does not take that long");
        world->now_ns = relative ? world->now_ns + ns : WORLD_START_NS + ns;
        return 0;
}

/*      TIME LABEL KIND [name=value ...] */
static int event_line(struct line *line) {
        struct story *story = line->place.story;
        struct world_process *actor = NULL;
        const struct story_word *who, *what;
        enum wire_kind kind;
        int r;

        r = take_time(line);
        if (r < 0)
                return r;
        if (line->n_words < 3)
                return story_error(&line->place, NULL, "expected: TIME PROCESS KIND [FIELD=VALUE ...]");
        who = &line->words[1];
        what = &line->words[2];
        kind = what->value ? WIRE_NONE : schema_find_kind(what->name, what->n_name);
        if (kind == WIRE_NONE)
                return kind_unknown(line, what);
        if (story->world.records.n >= STORY_MAX_RECORDS)
                return story_error(&line->place, NULL, "more than %d events", STORY_MAX_RECORDS);

        if (who->value || !story_word_is(who, "-")) {
                r = find_or_make(line, who, who->name, who->value ? 0 : who->n_name, &actor);
                if (r >= 0)
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

static int parse_line(struct line *line) {
        int r;

        r = story_split(&line->place, line->words, &line->n_words, &line->columns);
        if (r < 0 || line->n_words == 0)
                return r;
        r = story_word_is(&line->words[0], "process") && !line->words[0].value ? process_line(line) : event_line(line);
        if (r == -EINVAL || r == -E2BIG)
                return story_error(&line->place, NULL, "this does not fit into a record of an event");
        return r;
}

int story_parse(const struct story_source *source, struct diag_set *diags, struct story **ret) {
        _cleanup_(story_freep) struct story *story = calloc(1, sizeof(*story));
        const char *end = source->text + source->n;
        uint32_t number = source->line;
        int r, result = 0;

        if (!story)
                return -ENOMEM;
        r = world_init(&story->world);
        if (r < 0)
                return r;
        story->world.arena.limit_bytes = ARENA_MAX;
        if (source->n > STORY_MAX_BYTES)
                return diag_error(diags, (struct diag_span){.file = source->name, .line = source->line, .column = 1},
                                  "the story is longer than %u bytes", STORY_MAX_BYTES);

        for (const char *at = source->text; at < end; number++) {
                const char *stop = memchr(at, '\n', end - at) ?: end;
                struct line line = {.place = {story, source, diags, at, stop, number}};

                r = parse_line(&line);
                if (r < 0 && r != -EBADMSG)
                        return r;
                if (r < 0)
                        result = r;     /* go on: tell all errors */
                at = stop < end ? stop + 1 : end;
        }
        if (result >= 0)
                *ret = TAKE_PTR(story);
        return result;
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

const char *story_label(const struct story *story, const struct identity *id) {
        ARRAY_FOREACH(process, &story->world.processes)
                if (identity_equal(&(*process)->id, id))
                        return (*process)->label;
        return NULL;
}
