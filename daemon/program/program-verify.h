/* SPDX-License-Identifier: Apache-2.0 */
/* Program verify - is this block a program that can be run without looking twice? Everything that the engine, the dump
 * and the predicates take for granted is checked here, once, and nowhere else. What it lets pass may mean nonsense, but
 * cannot reach outside the block, run for ever, or cost more than its size explains.
 *
 * Checked: the layout (sections in order, nothing between them, the rest zero), every index and range, every
 * enumeration, that fields fit subjects, operations and kinds, that conditions have their children before them and say
 * truly how deep they are and whether they look at captures, that every position can be reached, leads on, and only
 * forward, that blocks nest, that lists are sorted, that every first step is filed for dispatch. */
#pragma once

#include <stddef.h>

#include "program/program.h"

/* Point the sections of `view` into the block (8-byte aligned). 0; -EBADMSG, -EPROTO as program_new(). */
int program_view(const void *data, size_t size, struct program *view, const char **ret_where);

/* Check what the sections say. 0; -EBADMSG; -ENOMEM. *ret_where is static text. */
int program_verify(const struct program *view, const char **ret_where);
