/* SPDX-License-Identifier: Apache-2.0 */
/* Program dump - a program as a listing: for people who want to know what became of their policy, and for tests that
 * compare it.
 *
 * Stable: it depends on nothing but the program's meaning and layout. docs/PROGRAM.md reads an example aloud.
 * Conditions are written in the words of the policy language. All bytes from policies are made harmless. Pure. */
#pragma once

#include <stdint.h>

#include "program/program.h"

struct strbuf;

/* All of it: what capture is asked for, each path, the matchers. */
void program_dump(const struct program *program, struct strbuf *b);

/* One path: attributes, positions with their edges, exceptions. */
void program_dump_path(const struct program *program, uint32_t path, struct strbuf *b);

/* One condition on one line, as it would be written in a step of this kind (WIRE_NONE: of no particular one) of this
 * path. */
void program_dump_condition(const struct program *program, uint32_t path, uint32_t condition, enum wire_kind kind,
                            struct strbuf *b);
