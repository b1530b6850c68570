/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Lab - real actions on processes, groups and files that the test made itself. In a directory of its own. */

#include "action/actions-private.h"

struct lab {
        struct config config;
        struct actions *actions;
        struct action_result last;      /* reported last */
        unsigned n_reports, n_done;
        char root[64], state[96], quarantine[96], runtime[96], snapshots[96];
};

void lab_init(struct lab *lab, sd_event *loop);
void lab_done(struct lab *lab);

/* Run an action with these inputs; it must be a right one. */
struct action_result lab_run(struct lab *lab, const char *name, const struct action_input *inputs, size_t n);
struct action_result lab_undo(struct lab *lab, uint64_t id);

/* A child that does this, in a session of its own; it ends with its parent. */
uint32_t lab_child(void (*what)(void *userdata), void *userdata);
void lab_sleep(void *userdata);
struct identity lab_identity(uint32_t pid);

/* Wait for the state of the process, as /proc shows it; 0 is gone or a zombie. Fails the test after five seconds. */
void lab_wait_state(uint32_t pid, char state);
bool lab_is_gone(uint32_t pid);

#define LAB_TEXT(n, s) { .name = (n), .type = ACTION_INPUT_TEXT, .text = (s), .length = strlen(s) }
#define LAB_NUMBER(n, v) { .name = (n), .type = ACTION_INPUT_NUMBER, .number = (int64_t)(v) }
#define LAB_PROCESS(n, p) { .name = (n), .type = ACTION_INPUT_PROCESS, .process = (p) }
