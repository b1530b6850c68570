/* SPDX-License-Identifier: Apache-2.0 */
/* Process image - what a process runs: the file, its name, its arguments. Made at an exec, never changed afterwards,
 * shared by every process that forks from it, by those that execute the same in the same place, by the tables of one
 * store, and by the evidence that shows it (process_image_ref() of process.h).
 *
 * One row of blocks per image, out of one region of fixed size. An image holds on to its region: the store outlives its
 * images. Pure. */
#pragma once

#include "base/buddy.h"
#include "base/idmap.h"
#include "event/encode.h"
#include "event/schema.h"
#include "process/process.h"

struct process_images {
        struct buddy buddy;             /* owned */
        struct idmap by_content;        /* a keyed hash of all that an image says */
        unsigned n_tables;              /* that have their images here */
        uint64_t last_number;
        uint64_t n_images;              /* gauge */
        uint64_t n_shortened;           /* arguments cut, because more than three quarters of the region were in use */
        uint64_t n_refused;
};

int process_images_init(struct process_images *images, size_t max_bytes);
void process_images_done(struct process_images *images);

/* Of an execve or process record: a new one, or one that is there and says the same. One reference for the caller; NULL
 * if there is no room. */
struct process_image *process_image_new(struct process_images *images, const struct event *event);

/* Read a field of scope FIELD_PROCESS that belongs to the image: name, comm, exe, filename, cwd, argv, args, file,
 * exe_*, upper_layer, tty. Others read as unknown, and so does every field of NULL. Bytes are the image's. */
void process_image_get(const struct process_image *image, enum field field, struct value *ret);

/* The opposite of process_image_new(): as an execve record of nobody, for the caller to finish. */
void process_image_put(const struct process_image *image, struct record *record);
