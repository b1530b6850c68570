/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Options - what a verb takes, as a table: the name of each, what its value may be, and where that goes. They stand
 * anywhere among the arguments; --help is known to every verb. */

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>

struct places;
struct verb;

enum option_kind {
        OPTION_END,
        OPTION_FLAG,                    /* no value: *flag becomes true */
        OPTION_TEXT,                    /* *text, borrowed from argv */
        OPTION_NUMBER,                  /* *number within [min, max] */
        OPTION_SIZE,                    /* the same in bytes, written as 4K */
        OPTION_DURATION,                /* the same in nanoseconds, written as 1h30min */
        OPTION_PLACE,                   /* one more of *places */
        OPTION_OTHER,                   /* what take() makes of it */
};

struct verb_option {
        const char *name;
        enum option_kind kind;
        union {
                bool *flag;
                const char **text;
                uint64_t *number;
                struct places *places;
                void *data;
        };
        uint64_t min, max;
        bool (*take)(const char *text, void *data);     /* false: what is wrong with it was said */
};

#define OPTION_NO_MAX (UINT64_MAX / 4)  /* far from where sums would wrap */
#define OPTIONS_MAX 15                  /* in a table that ends with {} */

/* Returns 0, and optind is where the arguments begin; or an exit status, and what is wrong was said. --help prints the
 * verb's help and ends the program. */
int verb_options(const struct verb *verb, int argc, char *argv[], const struct verb_option *options);
