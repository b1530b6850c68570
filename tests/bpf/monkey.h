/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Monkey - makes watched calls with hostile arguments: pointers to nothing, to the kernel and to pages that are not
 * there, strings without an end, lengths of all sizes, structures that another thread rewrites all the time. What it
 * does follows from a seed; what the other thread does, from the machine. It keeps a diary of its calls. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "wire.h"

#define MONKEY_CALLS 2500               /* mostly */
#define MONKEY_CALLS_MAX 50000
#define MONKEY_MARK "monkey"            /* prctl() gives it this name; what it does from then on is in the diary */
#define MONKEY_LETTERS "aaab./"         /* all its strings are made of these */

struct monkey_deed {
        uint32_t call;                  /* enum wire_call */
        int64_t result;                 /* negative errno if it failed */
};

/* In memory that the test shares. */
struct monkey_diary {
        pid_t pid;
        bool overdue;                   /* a call did not come back */
        size_t n;
        struct monkey_deed deeds[MONKEY_CALLS_MAX * 2];
};

extern struct monkey_diary *diary;

/* What each call takes, a letter for each argument; NULL: nobody said. */
extern const char *const monkey_takes[_WIRE_CALL_MAX];

/* To be called in a child of one thread, in namespaces of its own and an empty directory, by root: it makes that its
 * root and becomes nobody. 0, or which step went wrong. */
int monkey(uint64_t seed, long n_calls);
