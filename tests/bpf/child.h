/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Child - run a block of code in a process of its own, and be sure that it came to its end. */

#include "lab.h"

/* The child shall end with 0. Its process id. */
#define RUN(...)                                                                                                       \
        __extension__({                                                                                                \
                pid_t child_ = lab_fork();                                                                             \
                if (child_ == 0) {                                                                                     \
                        __VA_ARGS__                                                                                    \
                        _exit(0);                                                                                      \
                }                                                                                                      \
                lab_reap(child_);                                                                                      \
                ck_assert_int_eq(lab.status, 0);                                                                       \
                child_;                                                                                                \
        })

/* In the child. */
#define EXPECT(condition)                                                                                              \
        do {                                                                                                           \
                if (!(condition))                                                                                      \
                        _exit(__LINE__ % 255 + 1);                                                                     \
        } while (0)
