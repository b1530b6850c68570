/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Manager ring - the size that the ring had is kept over a restart: a small file in the state directory, if there is
 * one. What cannot be read, or makes no sense, is said in the log and left aside; the next change writes it anew. */

#include <stddef.h>

struct manager;

struct manager_ring {
        char file[256];                 /* empty: nowhere */
        size_t bytes;                   /* as it stands there; 0: nothing does */
        size_t began_with;              /* what is configured */
};

/* Before the capture is made: the size that it had when last it ran; 0: not known. */
size_t manager_ring_read(struct manager *manager);

/* Once a second, and at the end: if the size has changed it is written. */
void manager_ring_keep(struct manager *manager);
