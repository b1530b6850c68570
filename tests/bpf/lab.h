/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Lab - a capture of the running kernel, and processes to watch with it.
 *
 * One capture per test program, or for all subjects that run in one (test-bpf-all.c), read without a loop. Actions run
 * in processes of their own, since the programs leave out what the capturing process does itself. A test program exits
 * with 77 and a reason where this host does not let it watch. */

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include "capture/capture.h"
#include "event/schema.h"

/* A set of kinds: LAB_KINDS(WIRE_KIND_unlink, WIRE_KIND_rename). All that have hooks; those that the suites on order,
 * loss and races make. Each place that is watched takes 60 ms to leave alone again, so watch what you look at. */
#define LAB_KINDS(...) lab_kinds((const enum wire_kind[]){__VA_ARGS__, WIRE_NONE})
#define LAB_ALL_KINDS lab_all_kinds()
#define LAB_FILE_KINDS                                                                                                 \
        LAB_KINDS(WIRE_KIND_openat, WIRE_KIND_write, WIRE_KIND_unlink, WIRE_KIND_rename, WIRE_KIND_chmod,              \
                  WIRE_KIND_connect)
uint64_t lab_kinds(const enum wire_kind *kinds);
uint64_t lab_all_kinds(void);

struct lab {
        struct capture *capture;
        struct wire_header **records;   /* owned copies, in the order of the stream */
        size_t n, capacity;
        uint64_t time_ns;               /* of the last event */
        uint64_t number;
        int status;                     /* of the last action, from waitpid() */
        char directory[64];             /* a new one for this program, in /tmp, resolved */
};

/* The one of this program. */
extern struct lab lab;

/* An interest in everything, or in these kinds, failures and all. */
struct interest lab_interest(uint64_t kinds);

/* Exits with 77 if it cannot be. */
void lab_open(const struct interest *interest, const struct capture_options *options);
void lab_close(void);

/* Look at something else, with nothing told before. Programs that are loaded stay so: to load them takes a second, and
 * ten in an emulated machine. */
void lab_watch(const struct interest *interest);

/* Shall what would load the programs again be left out? With LAB_QUICK in the environment, as emulated machines have it
 * by default. */
bool lab_is_quick(void);

/* lab_main() leaves the capture open for the subject that comes next in this process. */
extern bool lab_keep;

/* The best tier that LAB_TIER in the environment allows: `fentry`, `tracepoint`, or any. */
enum capture_tier lab_tier(void);

/* Do programs on security hooks say what names of this kind led to? Not on every kernel, nor with
 * LAB_TIER=tracepoint. What differs is in a table of docs/CAPTURE.md, and tested in test-bpf-tier.c. */
bool lab_has_security(enum wire_kind kind);
/* And are the paths the kernel's? Some hooks know the object alone. */
bool lab_has_paths(enum wire_kind kind);

/* Run in a child, wait for its end, and read until its exit was told. The action's process id. The child ends with the
 * action's return value. */
pid_t lab_run(int (*action)(void *argument), void *argument);
/* The two halves of it: the child gets 0 and ends with _exit(). */
pid_t lab_fork(void);
void lab_reap(pid_t pid);

/* Until a thread is held up in this call; looked at by a process of its own, so that nothing is told of the caller but
 * a fork. The caller is not the test's process. */
void lab_wait_in_call(pid_t tid, long call);

/* Read what is there. */
void lab_read(void);
/* Read until a record of this kind by this process is there: the n-th, from 0. NULL after five seconds. */
const struct wire_header *lab_wait(enum wire_kind kind, pid_t pid, size_t n);

/* Among what was read, forgetting nothing: the n-th of this kind by this process (0: any). NULL if there is none. */
const struct wire_header *lab_find(enum wire_kind kind, pid_t pid, size_t n);
size_t lab_count(enum wire_kind kind, pid_t pid);

/* The n-th with this text in this field. */
const struct wire_header *lab_find_text(enum wire_kind kind, pid_t pid, int field, const char *text, size_t n);

/* Position in the stream, from 0; -1 if it is not of this lab. */
ssize_t lab_position(const struct wire_header *record);

/* For people, when a test fails. */
void lab_show(const struct wire_header *record);

void lab_forget(void);

/* All that was lost of a kind, for whatever reason. */
uint64_t lab_lost(const struct capture_stats *stats, int kind);
/* produced = delivered + lost, kind by kind. True whenever the ring is empty. */
bool lab_adds_up(const struct capture_stats *stats);
/* Read until it does, and all losses are told: others on this host go on meanwhile. */
bool lab_read_all(struct capture_stats *ret);

/* Fields, as WIRE_FIELD_kind_field. What is not known is -1000, NULL, false. Texts are in one of a few static buffers.
 */
bool lab_known(const struct wire_header *record, int field);
int64_t lab_number(const struct wire_header *record, int field);
const char *lab_text(const struct wire_header *record, int field);
const char *lab_list(const struct wire_header *record, int field);     /* joined by `|` */
struct wire_object lab_object(const struct wire_header *record, int field);
struct wire_address lab_address(const struct wire_header *record, int field);

/* Is it the file? By device, inode and, where stat cannot tell it, not by generation. */
bool lab_is_file(struct wire_object object, const struct stat *st);

/* A path in the directory, in one of a few static buffers. */
const char *lab_path(const char *name);
/* The hierarchy of cgroups that names units for the capture, if we may make groups in it; NULL if not. */
const char *lab_hierarchy(void);
void lab_write_file(const char *path, const char *text, mode_t mode);
void lab_copy_file(const char *from, const char *to, mode_t mode);

int lab_main(const char *name, const TTest *const *tests, size_t n_tests, const struct interest *interest,
             const struct capture_options *options);

#define LAB_MAIN(name, interest, options, ...)                                                                         \
        int main(void) {                                                                                               \
                const TTest *const tests[] = {__VA_ARGS__};                                                            \
                return lab_main(name, tests, sizeof(tests) / sizeof(tests[0]), interest, options);                     \
        }
