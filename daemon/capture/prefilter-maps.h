/* SPDX-License-Identifier: Apache-2.0 */
/* Prefilter maps - a prefilter in the form in which the programs look it up (bpf/filter.bpf.h): fixed tables, and tries
 * in which each pattern has the uses of all shorter ones that it begins with (bpf/filter-table.h).
 *
 * Two tables: one is in force while the other is filled, so that to exchange them is one store. Does system calls, and
 * logs. */
#pragma once

#include <stdint.h>

#include "event/prefilter.h"

struct prefilter_maps;

/* What is shared with the programs: all borrowed, for as long as the maps are used. */
struct prefilter_shared {
        int filters, classes, groups, fronts, backs, networks, numbers, armed;
        uint32_t *table;                /* number of the one in force; 0: none */
        uint64_t *waiting;              /* kinds that are not looked at while no key is armed for them, */
        uint64_t *by_user;              /* and those that are about few users */
        uint64_t *urgent;               /* filter_urgent_entry(): uses that call the reader at once, */
        uint64_t *soon;                 /* and those that do if it is patient */
};

/* -ENOMEM, -EPROTO (the table is not of the form that we write), or what came of mapping it. */
int prefilter_maps_new(const struct prefilter_shared *shared, struct prefilter_maps **ret);
struct prefilter_maps *prefilter_maps_free(struct prefilter_maps *maps);

/* The maps were filled by another process, and are in force as they are. `last`: the highest number that a table had
 * there; of these maps. */
int prefilter_maps_adopt(struct prefilter_maps *maps, uint32_t last);
uint32_t prefilter_maps_last(const struct prefilter_maps *maps);

/* Write it into the table that is not in force. On failure what is in force stays so. That is a system call for each
 * few dozen patterns; `meanwhile`, if there is one, is called between two. */
int prefilter_maps_fill(struct prefilter_maps *maps, const struct prefilter *prefilter,
                        void (*meanwhile)(void *userdata), void *userdata);

/* Put what was filled into force; NULL, or nothing was filled: nothing is left out. What stories under way wait for
 * stays armed. `began`: events were told before this; if nothing was armed till now, stories may have begun all the
 * same, and the host is armed for as long as they may last. */
void prefilter_maps_use(struct prefilter_maps *maps, const struct prefilter *prefilter, bool began);

/* The name of a cgroup is known from now on; it is gone. There is room for 8,192 at
 * most, and not always for three that get in each other's way: stories in those are those of the host. */
void prefilter_maps_see_group(struct prefilter_maps *maps, uint64_t id, const char *path, size_t length, bool cut);
void prefilter_maps_forget_group(struct prefilter_maps *maps, uint64_t id);
