/* SPDX-License-Identifier: Apache-2.0 */
/* Story, inside - the words of one line, and the fields of one event. */
#pragma once

#include "story/story.h"

/* `name=value` or `name`; borrowed from the text of the line. */
struct story_word {
        const char *at;                 /* where it begins in the line */
        const char *name;
        size_t n_name;
        const char *value;              /* NULL: no `=` */
        size_t n_value;
};

struct story_place {
        struct story *story;
        const struct story_source *source;
        struct diag_set *diags;
        const char *line_start, *line_end;
        uint32_t line;
};

/* `word` NULL: the line as a whole. Returns -EBADMSG. */
int story_error(const struct story_place *place, const struct story_word *word, const char *format, ...) _printf_(3, 4);

/* Cut a line into words; a `#` at the beginning of a word opens a comment, a bar the columns (arena; NULL if there is
 * no bar). */
#define STORY_MAX_WORDS 64
int story_split(const struct story_place *place, struct story_word words[static STORY_MAX_WORDS], size_t *ret_n,
                const char **ret_columns);

/* The text of a value: quotes and escapes taken away, in the arena. *ret_cut: a `~` stood behind it. -EBADMSG:
 * reported. */
int story_text(const struct story_place *place, const struct story_word *word, const char **ret, size_t *ret_n,
               bool *ret_cut);

/* The strings of `[a "b c" d]`, each ended by NUL. */
int story_list(const struct story_place *place, const struct story_word *word, const char **ret, size_t *ret_n,
               bool *ret_cut);

/* A number in any notation that the field's format allows. */
int story_number(const struct story_place *place, const struct story_word *word, enum field_format format,
                 int64_t *ret);

static inline bool story_word_is(const struct story_word *word, const char *name) {
        return memeq_str(word->name, word->n_name, name);
}

/* Set the fields of the record under construction as the words say, then those that follow from them. */
int story_fields(const struct story_place *place, struct world_process *actor, enum wire_kind kind,
                 const struct story_word *words, size_t n_words);
