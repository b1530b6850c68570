/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Compile message - what the daemon and the process that compiles for it say to each other: one request, one answer,
 * each a file in memory.
 *
 * Both are the same executable, so a request is taken as it is. An answer is not: the process that wrote it has read
 * what people wrote, and whoever wrote it may have taken it over. Every size is checked, and the program in it is no
 * program before program_new() said so. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compile/compile.h"
#include "policy/policy-set.h"

#define COMPILE_REQUEST_MAX_BYTES ((size_t)1 << 20)
#define COMPILE_ANSWER_MAX_TEXT ((size_t)1 << 20)
#define COMPILE_ANSWER_MAX_BYTES ((size_t)PROGRAM_MAX_BYTES + COMPILE_ANSWER_MAX_TEXT + 4096)

struct compile_limits {
        uint64_t timeout_ns;            /* of processor time; of any time for whoever waits */
        uint64_t memory_bytes;
        uint32_t user;                  /* to compile as, if we are root */
};

struct compile_request {
        const char *const *places;      /* as for policy_set_load() */
        size_t n_places;
        struct policy_options policies; /* without functions */
        struct compile_options compile;
        struct compile_limits limits;
        uint64_t generation;
};

/* Write it from the beginning of the file. -E2BIG, or what went wrong with the file. */
int compile_request_write(int fd, const struct compile_request *request);

/* *ret_memory is for the caller to free when the request is of no more use. -EBADMSG: it is none. */
int compile_request_read(int fd, struct compile_request *ret, char **ret_memory);

enum compile_answer_type {
        COMPILE_ANSWER_PROGRAM,         /* here it is */
        COMPILE_ANSWER_REFUSED,         /* the policies are wrong: the text says why */
        COMPILE_ANSWER_FAILED,          /* it could not be done: what and error say why */
        _COMPILE_ANSWER_TYPE_MAX,
};

struct compile_answer {
        enum compile_answer_type type;
        int error;                      /* < 0, but for PROGRAM */
        uint64_t n_files, n_paths, n_errors, n_warnings;
        const char *what;               /* of FAILED: what was being done; may be empty */
        const char *text;               /* messages for people: warnings, too. Not to be trusted on a terminal */
        size_t n_text;
        const void *program;
        size_t n_program;
};

int compile_answer_write(int fd, const struct compile_answer *answer);

/* *ret points into the file, which is mapped at *ret_map for the caller to munmap(). The file must be sealed or its
 * writers gone. -EBADMSG: it is no answer, and *ret_why says in what; else -errno. */
int compile_answer_read(int fd, struct compile_answer *ret, void **ret_map, size_t *ret_size, const char **ret_why);
