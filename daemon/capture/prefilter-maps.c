/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/prefilter-maps.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <bpf/bpf.h>

#include "base/clock.h"
#include "base/macro.h"
#include "base/siphash.h"
#include "capture/group-filter.h"
#include "event/cgroup-path.h"

#include "filter-table.h"

#define SAME(dimension) _Static_assert((int)PREFILTER_##dimension == (int)FILTER_##dimension, "the kernel's numbers")
SAME(TEXT);
SAME(NETWORK);
SAME(NUMBER);
SAME(USER);
SAME(EXE);
SAME(NAME);
SAME(IN_UNIT);
SAME(IN_CONTAINER);
SAME(IN_CGROUP);
SAME(FLAGS);
#undef SAME
#define SAME(prefilter, arm) _Static_assert((int)PREFILTER_##prefilter == (int)ARM_##arm, "the kernel's numbers")
SAME(TREE, TREE);
SAME(OF_USER, USER);
SAME(UNIT, UNIT);
SAME(CONTAINER, CONTAINER);
SAME(DESCENT, DESCENT);
SAME(HOST, HOST);
#undef SAME
_Static_assert((int)_PREFILTER_DIMENSION_MAX == (int)N_FILTER_DIMENSIONS, "the kernel's numbers");
_Static_assert(PREFILTER_FLAG_SETS == FILTER_FLAG_SETS, "all sets have a place");
_Static_assert(PREFILTER_MAX_TEXT < FILTER_FRONT && PREFILTER_MAX_TAIL <= FILTER_BACK, "patterns fit into keys");
_Static_assert(PREFILTER_MAX_PATTERNS <= FILTER_PATTERNS && PREFILTER_MAX_CLASSES < FILTER_CLASSES,
               "and into the maps");

/* A key of any trie or hash; `bits` counts what is behind it. */
struct map_key {
        uint32_t bits;
        uint32_t of;
        uint8_t data[FILTER_FRONT];
};

struct map_entry {
        uint64_t uses;                  /* or a class */
        uint16_t kind;                  /* of whose text it is */
        struct map_key key;
};

enum map {
        MAP_FRONTS, MAP_BACKS, MAP_NETWORKS, MAP_NUMBERS,
        _MAP_MAX,
};

struct map_entries ARRAY_BODY(struct map_entry);

#define GROUP_PATH_MAX 512              /* bytes that are kept: what is behind rules nothing out */

struct group_path {
        char *text;                     /* owned; NULL: there is none */
        uint32_t length;
        bool cut;
};

struct prefilter_maps {
        struct prefilter_shared shared;
        struct filter *filters;         /* shared with the programs: both tables, */
        struct filter_class *classes;   /* and their classes; */
        struct filter_group *groups;    /* and what is known of cgroups, */
        struct group_path paths[FILTER_GROUPS]; /* with their paths */
        uint32_t in_force, filled;      /* numbers of tables; 0: none */
        uint32_t last;                  /* the highest number till now */
        bool arming;                    /* what is in force arms */
        struct map_entries entries[2][_MAP_MAX];        /* by table: what stands in the maps; */
        struct group_filter *group_filters[2];          /* what it says of cgroups, if anything, */
        uint32_t n_task_classes[2], n_classes[2];       /* and its classes: behind those of tasks those of cgroups */
};

#define FILTERS_SIZE (2 * FILTER_KINDS * sizeof(struct filter))
#define GROUPS_SIZE (FILTER_GROUPS * sizeof(struct filter_group))
#define CLASSES_SIZE (2 * FILTER_CLASSES * sizeof(struct filter_class))

static int map_fd(const struct prefilter_maps *maps, enum map map) {
        switch (map) {
        case MAP_FRONTS: return maps->shared.fronts;
        case MAP_BACKS: return maps->shared.backs;
        case MAP_NETWORKS: return maps->shared.networks;
        case MAP_NUMBERS: return maps->shared.numbers;
        case _MAP_MAX: break;
        }
        return -1;
}

/* Keys of numbers have no count of bits in front. */
static const void *key_of(enum map map, const struct map_entry *entry) {
        return map == MAP_NUMBERS ? (const void *)&entry->key.of : &entry->key;
}

static int map_shared(int fd, size_t value_size, size_t size, void *ret) {
        struct bpf_map_info info = {};
        uint32_t length = sizeof(info);
        void *memory;

        if (bpf_obj_get_info_by_fd(fd, &info, &length) < 0)
                return -errno;
        if (info.value_size != value_size)
                return -EPROTO;         /* ours and the programs' are not the same any more */
        memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (memory == MAP_FAILED)
                return -errno;
        *(void **)ret = memory;
        return 0;
}

int prefilter_maps_new(const struct prefilter_shared *shared, struct prefilter_maps **ret) {
        struct prefilter_maps *maps = calloc(1, sizeof(*maps));
        int r;

        if (!maps)
                return -ENOMEM;
        maps->shared = *shared;
        r = map_shared(shared->filters, sizeof(struct filter), FILTERS_SIZE, &maps->filters);
        if (r >= 0)
                r = map_shared(shared->classes, sizeof(struct filter_class), CLASSES_SIZE, &maps->classes);
        if (r >= 0)
                r = map_shared(shared->groups, sizeof(struct filter_group), GROUPS_SIZE, &maps->groups);
        if (r < 0) {
                prefilter_maps_free(maps);
                return r;
        }
        *ret = maps;
        return 0;
}

/* All keys of a map, as entries of the tables that they belong to: their values play no part any more. */
static int adopt_entries(struct prefilter_maps *maps, enum map map) {
        struct map_entry entry = {}, next = {};
        int r;

        for (const void *after = NULL; bpf_map_get_next_key(map_fd(maps, map), after, (void *)key_of(map, &next)) >= 0;
             after = key_of(map, &entry)) {
                entry = next;
                r = array_push(&maps->entries[entry.key.of >> 16 & 1][map], entry);
                if (r < 0)
                        return r;
        }
        return 0;
}

int prefilter_maps_adopt(struct prefilter_maps *maps, uint32_t last) {
        int r = 0;

        maps->in_force = __atomic_load_n(maps->shared.table, __ATOMIC_SEQ_CST);
        maps->last = MAX(last, maps->in_force);
        for (int map = 0; map < _MAP_MAX && r >= 0; map++)
                r = adopt_entries(maps, (enum map)map);
        return r;
}

uint32_t prefilter_maps_last(const struct prefilter_maps *maps) {
        return maps->last;
}

struct prefilter_maps *prefilter_maps_free(struct prefilter_maps *maps) {
        if (!maps)
                return NULL;
        if (maps->filters)
                munmap(maps->filters, FILTERS_SIZE);
        if (maps->classes)
                munmap(maps->classes, CLASSES_SIZE);
        if (maps->groups)
                munmap(maps->groups, GROUPS_SIZE);
        for (size_t which = 0; which < ELEMENTSOF(maps->entries); which++)
                for (int map = 0; map < _MAP_MAX; map++)
                        array_done(&maps->entries[which][map]);
        for (size_t i = 0; i < ELEMENTSOF(maps->paths); i++)
                free(maps->paths[i].text);
        for (size_t which = 0; which < ELEMENTSOF(maps->group_filters); which++)
                group_filter_free(maps->group_filters[which]);
        free(maps);
        return NULL;
}

/* ---- the patterns as keys ---- */

static int add_text(struct map_entries to[static _MAP_MAX], const struct prefilter *prefilter,
                    const struct prefilter_text *text, uint32_t of) {
        const char *bytes = prefilter->bytes.items + text->offset;
        struct map_entry entry = {.uses = text->uses, .kind = text->kind, .key = {.of = of}};
        uint32_t n = text->length;

        if (text->place == PREFILTER_BACK)
                for (uint32_t i = 0; i < n; i++)
                        entry.key.data[i] = bytes[n - 1 - i];
        else
                memcpy(entry.key.data, bytes, n);
        if (text->place == PREFILTER_WHOLE)
                n++;                    /* with the NUL */
        entry.key.bits = 32 + 8 * n;
        return array_push(&to[text->place == PREFILTER_BACK ? MAP_BACKS : MAP_FRONTS], entry);
}

static int add_network(struct map_entries *to, const struct prefilter_network *network, uint32_t of) {
        struct map_entry entry = {.uses = network->uses, .key = {.bits = 64 + network->prefix, .of = of}};
        uint32_t family = network->address.family;

        memcpy(entry.key.data, &family, sizeof(family));
        memcpy(entry.key.data + sizeof(family), network->address.bytes, sizeof(network->address.bytes));
        return array_push(to, entry);
}

static int add_number(struct map_entries *to, const struct prefilter_number *number, uint32_t of) {
        struct map_entry entry = {.uses = number->uses, .key = {.of = of}};
        uint32_t dimension = number->dimension;

        memcpy(entry.key.data, &dimension, sizeof(dimension));
        memcpy(entry.key.data + sizeof(dimension), &number->number, sizeof(number->number));
        return array_push(to, entry);
}

/* By kind, then bytes; of two that begin alike the shorter first. */
static int compare_entries(const void *a, const void *b) {
        const struct map_entry *x = a, *y = b;
        int order;

        if (x->key.of != y->key.of)
                return x->key.of < y->key.of ? -1 : 1;
        order = memcmp(x->key.data, y->key.data, sizeof(x->key.data));
        return order != 0 ? order : (x->key.bits > y->key.bits) - (x->key.bits < y->key.bits);
}

static bool begins(const struct map_entry *shorter, const struct map_entry *longer) {
        uint32_t bits = shorter->key.bits - 32, whole = bits / 8, rest = bits % 8;

        return shorter->key.of == longer->key.of && shorter->key.bits <= longer->key.bits &&
               memcmp(shorter->key.data, longer->key.data, whole) == 0 &&
               (rest == 0 || (shorter->key.data[whole] ^ longer->key.data[whole]) >> (8 - rest) == 0);
}

/* A lookup finds one: so it has the uses of all that it begins with. In order, these are the last ones that it begins
 * with, one inside the other. */
static int close_entries(struct map_entries *entries) {
        _cleanup_(freep) size_t *open = calloc(entries->n + 1, sizeof(*open));
        size_t n_open = 0;

        if (!open)
                return -ENOMEM;
        if (entries->n > 0)
                qsort(entries->items, entries->n, sizeof(entries->items[0]), compare_entries);
        for (size_t i = 0; i < entries->n; i++) {
                while (n_open > 0 && !begins(&entries->items[open[n_open - 1]], &entries->items[i]))
                        n_open--;
                if (n_open > 0)
                        entries->items[i].uses |= entries->items[open[n_open - 1]].uses;
                open[n_open++] = i;
        }
        return 0;
}

/* Keys of what belongs to a task: each that differs is a class, which has the uses of all that it begins with, of all
 * kinds. `uses` of the entries becomes its number; those that are the same become one. */
static int classify_entries(struct map_entries *entries, struct filter_class *classes, uint32_t *n_classes) {
        _cleanup_(freep) size_t *open = calloc(entries->n + 1, sizeof(*open));
        size_t n_open = 0, n = 0;

        if (!open)
                return -ENOMEM;
        if (entries->n > 0)
                qsort(entries->items, entries->n, sizeof(entries->items[0]), compare_entries);
        for (size_t i = 0; i < entries->n; i++) {
                struct map_entry entry = entries->items[i];

                if (n == 0 || compare_entries(&entries->items[n - 1], &entry) != 0) {
                        if (++*n_classes >= FILTER_CLASSES)
                                return -E2BIG;
                        while (n_open > 0 && !begins(&entries->items[open[n_open - 1]], &entry))
                                n_open--;
                        classes[*n_classes] = n_open > 0 ? classes[entries->items[open[n_open - 1]].uses]
                                                         : (struct filter_class){};
                        entries->items[n] = entry;
                        entries->items[n].uses = *n_classes;
                        open[n_open++] = n++;
                }
                classes[entries->items[n - 1].uses].uses[entry.kind] |= entry.uses;
        }
        entries->n = n;
        return 0;
}

/* ---- tables ---- */

static uint32_t field_at(enum field field, uint64_t *ret_known) {
        const struct field_info *info = schema_field(field);

        *ret_known = 0;
        if (field == FIELD_NONE)
                return 0;
        switch ((int)field) {
        case FIELD_PROCESS_uid: return offsetof(struct wire_header, uid);
        case FIELD_PROCESS_euid: return offsetof(struct wire_header, euid);
        case FIELD_PROCESS_exe:
        case FIELD_PROCESS_name: return 1;
        case FIELD_PROCESS_unit:
        case FIELD_PROCESS_container:
        case FIELD_PROCESS_cgroup: return 0;
        }
        *ret_known = UINT64_C(1) << info->bit;
        return info->offset;
}

static uint32_t horizon(uint64_t ns) {
        return ns >> ARM_SHIFT >= ARM_ALWAYS ? ARM_ALWAYS : (uint32_t)(ns >> ARM_SHIFT) + 1;
}

/* The arm of this kind and key. Where there is no room for it, the host's, for which there always is. */
static struct filter_arm *find_arm(struct filter *to, uint16_t kind, enum prefilter_key key) {
        uint32_t n_others = 0;

        for (uint32_t k = 0; k < to->n_arms; k++) {
                if (to->arms[k].kind == kind && to->arms[k].key == key)
                        return &to->arms[k];
                n_others += to->arms[k].key != PREFILTER_HOST;
        }
        if (key != PREFILTER_HOST && n_others >= FILTER_ARMS - 64)
                return find_arm(to, kind, PREFILTER_HOST);
        to->arms[to->n_arms] = (struct filter_arm){.kind = kind, .key = key};
        return &to->arms[to->n_arms++];
}

/* For as long as the longest that any of the uses asks for. */
static void fill_arms(struct filter *to, const struct prefilter_kind *kind) {
        for (uint32_t i = 0; i < kind->n_uses; i++)
                for (uint16_t armed = 0; armed < 64; armed++) {
                        const struct prefilter_arm *arm = &kind->arms[i];
                        struct filter_arm *own;

                        if (!(arm->kinds >> armed & 1))
                                continue;
                        own = find_arm(to, armed, arm->key);
                        own->uses |= UINT64_C(1) << i;
                        own->horizon = MAX(own->horizon, horizon(arm->horizon_ns));
                        to->arming |= UINT64_C(1) << i;
                        to->arms_for |= 1U << own->key;
                }
}

/* Which keys each kind may be armed for, by any other. Descendants look at their tree. */
static void fill_waits(struct filter *filters) {
        for (int kind = 0; kind < _WIRE_KIND_MAX; kind++)
                for (uint32_t k = 0; k < filters[kind].n_arms; k++) {
                        const struct filter_arm *arm = &filters[kind].arms[k];

                        filters[arm->kind].waits |= 1U << (arm->key == ARM_DESCENT ? ARM_TREE : arm->key);
                }
}

/* Where all uses of a kind look at the user, and name few. */
static void fill_users(struct filter *to, const struct prefilter *prefilter, uint16_t number) {
        uint32_t n = 0;

        if (!to->shed || !to->at[FILTER_USER] || to->any[FILTER_USER] != 0)
                return;
        ARRAY_FOREACH(user, &prefilter->numbers) {
                if (user->kind != number || user->dimension != PREFILTER_USER || user->number < 0 ||
                    user->number > UINT32_MAX)
                        continue;
                if (n >= FILTER_USERS)
                        return;
                to->users[n++] = user->number;
        }
        if (n == 0)
                return;
        for (uint32_t i = n; i < FILTER_USERS; i++)
                to->users[i] = to->users[0];
        to->about_users = 1;
}

static void fill_kind(struct filter *to, const struct prefilter *prefilter, uint16_t number) {
        const struct prefilter_kind *kind = &prefilter->kinds[number];
        uint64_t known;

        memset(to, 0, sizeof(*to));
        if (!kind->active)
                return;
        to->active = 1;
        to->shed = schema_kind((enum wire_kind)number)->class == EVENT_EVENT;
        for (int i = 0; i < FILTER_FLAG_SETS; i++)
                to->flags[i] = (struct filter_flags){.bits = kind->flags[i].bits, .uses = kind->flags[i].uses};
        to->first = kind->first;
        to->counting = kind->counting;
        to->most = kind->most;
        to->given = kind->given | kind->urgent | kind->soon;
        for (int d = 0; d < N_FILTER_DIMENSIONS; d++) {
                to->any[d] = kind->any[d];
                to->at[d] = field_at(kind->fields[d], &known);
                to->known[d] = known;
                if (to->at[d] && d != FILTER_EXE && d != FILTER_NAME)
                        to->asks |= 1U << d;
                if (kind->fields[d] != FIELD_NONE && number < GROUP_FILTER_KINDS &&
                    group_filter_looks((enum prefilter_dimension)d))
                        to->groups = 1;
        }
        ARRAY_FOREACH(text, &prefilter->texts)
                if (text->kind == number && text->dimension == PREFILTER_TEXT)
                        *(text->place == PREFILTER_BACK ? &to->back : &to->front) = 1;
        fill_arms(to, kind);
        fill_users(to, prefilter, number);
}

#define BATCH 64                        /* keys of one system call: some 100 us */
#define GROUP_BATCH 256                 /* cgroups that are looked at in a row */

struct meanwhile {
        void (*call)(void *userdata);
        void *userdata;
};

static void pass_time(const struct meanwhile *meanwhile) {
        if (meanwhile->call)
                meanwhile->call(meanwhile->userdata);
}

/* Some entries, put there or taken out. Kernels that cannot do that for many at once do it one by one. */
static int change_some(int fd, enum map map, const struct map_entry *entries, uint32_t n, bool put) {
        static const size_t sizes[_MAP_MAX] = {
                [MAP_FRONTS] = sizeof(struct filter_front_key),
                [MAP_BACKS] = sizeof(struct filter_back_key),
                [MAP_NETWORKS] = sizeof(struct filter_network_key),
                [MAP_NUMBERS] = sizeof(struct filter_number_key),
        };
        char keys[BATCH * sizeof(struct filter_front_key)];
        uint64_t values[BATCH];
        uint32_t done = n;
        int r;

        for (uint32_t i = 0; i < n; i++) {
                memcpy(keys + i * sizes[map], key_of(map, &entries[i]), sizes[map]);
                values[i] = entries[i].uses;
        }
        r = put ? bpf_map_update_batch(fd, keys, values, &done, NULL) : bpf_map_delete_batch(fd, keys, &done, NULL);
        if (r >= 0)
                return 0;
        for (uint32_t i = 0; i < n; i++) {
                r = put ? bpf_map_update_elem(fd, keys + i * sizes[map], &values[i], BPF_ANY)
                        : bpf_map_delete_elem(fd, keys + i * sizes[map]);
                if (r < 0 && put)
                        return r;
        }
        return 0;
}

static int change_entries(struct prefilter_maps *maps, enum map map, const struct map_entries *entries, bool put,
                          const struct meanwhile *meanwhile) {
        for (size_t i = 0; i < entries->n; i += BATCH) {
                int r = change_some(map_fd(maps, map), map, entries->items + i, MIN(entries->n - i, (size_t)BATCH),
                                    put);

                if (r < 0)
                        return r;
                pass_time(meanwhile);
        }
        return 0;
}

static void clear_table(struct prefilter_maps *maps, uint32_t table, const struct meanwhile *meanwhile) {
        for (int map = 0; map < _MAP_MAX; map++) {
                struct map_entries *entries = &maps->entries[filter_which(table)][map];

                (void)change_entries(maps, (enum map)map, entries, false, meanwhile);
                array_done(entries);
        }
}

static uint32_t of_dimension(uint8_t dimension, uint16_t kind) {
        switch (dimension) {
        case PREFILTER_EXE: return FILTER_OF_EXE;
        case PREFILTER_NAME: return FILTER_OF_NAME;
        default: return kind;
        }
}

static int make_entries(const struct prefilter *prefilter, uint32_t table, struct map_entries to[static _MAP_MAX],
                        struct map_entries of_image[static _MAP_MAX]) {
        int r = 0;

        ARRAY_FOREACH(text, &prefilter->texts)
                if (!group_filter_looks((enum prefilter_dimension)text->dimension))
                        r = r < 0 ? r
                                  : add_text(text->dimension == PREFILTER_TEXT ? to : of_image, prefilter, text,
                                             filter_of(table, of_dimension(text->dimension, text->kind)));
        ARRAY_FOREACH(network, &prefilter->networks)
                r = r < 0 ? r : add_network(&to[MAP_NETWORKS], network, filter_of(table, network->kind));
        ARRAY_FOREACH(number, &prefilter->numbers)
                r = r < 0 ? r : add_number(&to[MAP_NUMBERS], number, filter_of(table, number->kind));
        for (int map = MAP_FRONTS; map <= MAP_NETWORKS && r >= 0; map++)
                r = close_entries(&to[map]);
        return r;
}

/* What belongs to tasks comes behind the rest. */
static int make_classes(struct prefilter_maps *maps, uint32_t table, struct map_entries of_image[static _MAP_MAX]) {
        struct filter_class *classes = &maps->classes[filter_class_entry(table, 0)];
        uint32_t n_classes = 0, which = filter_which(table);
        int r = 0;

        for (int map = MAP_FRONTS; map <= MAP_BACKS && r >= 0; map++) {
                r = classify_entries(&of_image[map], classes, &n_classes);
                ARRAY_FOREACH(entry, &of_image[map])
                        r = r < 0 ? r : array_push(&maps->entries[which][map], *entry);
        }
        maps->n_task_classes[which] = maps->n_classes[which] = n_classes;
        return r;
}

/* The class of a cgroup in one of the tables: that of others of which the same uses are left, or else a new one. 0:
 * there is no room for it. */
static uint16_t group_class(struct prefilter_maps *maps, uint32_t which, const struct group_path *path) {
        struct filter_class *classes = &maps->classes[filter_class_entry(which, 0)], class;

        group_filter_uses(maps->group_filters[which], path->text, path->length, path->cut, (uint64_t *)class.uses);
        for (uint32_t i = maps->n_task_classes[which] + 1; i <= maps->n_classes[which]; i++)
                if (memcmp(&classes[i], &class, sizeof(class)) == 0)
                        return i;
        if (maps->n_classes[which] + 1 >= FILTER_CLASSES)
                return 0;
        classes[++maps->n_classes[which]] = class;
        return maps->n_classes[which];
}

/* Those that are known already. A table that does not look at cgroups is not asked of them. */
static int fill_groups(struct prefilter_maps *maps, const struct prefilter *prefilter, uint32_t table,
                       const struct meanwhile *meanwhile) {
        uint32_t which = filter_which(table);
        int r;

        group_filter_free(maps->group_filters[which]);
        r = group_filter_new(prefilter, &maps->group_filters[which]);
        if (!maps->group_filters[which])
                return r;
        for (size_t i = 0; i < FILTER_GROUPS; i++) {
                if (maps->groups[i].id != 0)
                        maps->groups[i].class_of[which] =
                                maps->paths[i].text ? group_class(maps, which, &maps->paths[i]) : 0;
                if (i % GROUP_BATCH == 0)
                        pass_time(meanwhile);
        }
        return 0;
}

static int fill_table(struct prefilter_maps *maps, const struct prefilter *prefilter, uint32_t table,
                      const struct meanwhile *meanwhile) {
        struct map_entries *entries = maps->entries[filter_which(table)], of_image[_MAP_MAX] = {};
        int r;

        for (uint16_t kind = 0; kind < _WIRE_KIND_MAX; kind++) {
                fill_kind(&maps->filters[filter_entry(table, kind)], prefilter, kind);
                maps->shared.urgent[filter_urgent_entry(table, kind)] = prefilter->kinds[kind].urgent;
                maps->shared.soon[filter_urgent_entry(table, kind)] = prefilter->kinds[kind].soon;
        }
        fill_waits(&maps->filters[filter_entry(table, 0)]);
        pass_time(meanwhile);
        r = make_entries(prefilter, table, entries, of_image);
        pass_time(meanwhile);
        if (r >= 0)
                r = make_classes(maps, table, of_image);
        if (r >= 0)
                r = fill_groups(maps, prefilter, table, meanwhile);
        for (int map = 0; map < _MAP_MAX; map++) {
                array_done(&of_image[map]);
                r = r < 0 ? r : change_entries(maps, (enum map)map, &entries[map], true, meanwhile);
        }
        return r;
}

int prefilter_maps_fill(struct prefilter_maps *maps, const struct prefilter *prefilter,
                        void (*call)(void *userdata), void *userdata) {
        const struct meanwhile meanwhile = {call, userdata};
        uint32_t table = maps->last + 1;
        int r;

        if (table == 0 || (maps->in_force != 0 && filter_which(table) == filter_which(maps->in_force)))
                table++;
        maps->last = table;
        maps->filled = 0;
        clear_table(maps, table, &meanwhile);
        r = fill_table(maps, prefilter, table, &meanwhile);
        if (r < 0) {
                clear_table(maps, table, &meanwhile);
                return r;
        }
        maps->filled = table;
        return 0;
}

/* Kinds of class EVENT that no story begins with. */
static uint64_t waiting_kinds(const struct prefilter *prefilter) {
        uint64_t kinds = 0;

        for (unsigned kind = 0; kind < _WIRE_KIND_MAX; kind++)
                if (prefilter->kinds[kind].active && prefilter->kinds[kind].first == 0 &&
                    schema_kind((enum wire_kind)kind)->class == EVENT_EVENT)
                        kinds |= wire_kind_bit((enum wire_kind)kind);
        return kinds;
}

static uint64_t kinds_by_user(const struct filter *filters) {
        uint64_t kinds = 0;

        for (unsigned kind = 0; kind < _WIRE_KIND_MAX; kind++)
                if (filters[kind].about_users)
                        kinds |= wire_kind_bit((enum wire_kind)kind);
        return kinds;
}

static bool is_any_active(const struct prefilter *prefilter) {
        for (size_t kind = 0; kind < _WIRE_KIND_MAX; kind++)
                if (prefilter->kinds[kind].active)
                        return true;
        return false;
}

/* For as long as a story may last that began while nothing was armed. */
static void arm_host(struct prefilter_maps *maps, uint64_t longest_ns) {
        uint32_t until[64], host = 0, time = horizon(longest_ns), now = clock_boottime_ns() >> ARM_SHIFT;

        for (size_t kind = 0; kind < ELEMENTSOF(until); kind++)
                until[kind] = time > ARM_ALWAYS - now - 1 ? ARM_ALWAYS : now + 1 + time;
        (void)bpf_map_update_elem(maps->shared.armed, &host, until, BPF_ANY);
}

void prefilter_maps_use(struct prefilter_maps *maps, const struct prefilter *prefilter, bool began) {
        __atomic_store_n(maps->shared.waiting, 0, __ATOMIC_SEQ_CST);
        __atomic_store_n(maps->shared.by_user, 0, __ATOMIC_SEQ_CST);
        if (!prefilter || maps->filled == 0 || !is_any_active(prefilter)) {
                for (size_t kind = 0; kind < _WIRE_KIND_MAX; kind++) {
                        maps->shared.urgent[filter_urgent_entry(0, kind)] =
                                prefilter ? prefilter->kinds[kind].urgent : 0;
                        maps->shared.soon[filter_urgent_entry(0, kind)] =
                                prefilter ? prefilter->kinds[kind].soon : 0;
                }
                __atomic_store_n(maps->shared.table, 0, __ATOMIC_SEQ_CST);
                maps->in_force = 0;
                maps->arming = false;
                return;
        }
        if (began && prefilter->arming && !maps->arming)
                arm_host(maps, prefilter->longest_ns);
        __atomic_store_n(maps->shared.table, maps->filled, __ATOMIC_SEQ_CST);
        __atomic_store_n(maps->shared.waiting, waiting_kinds(prefilter), __ATOMIC_SEQ_CST);
        __atomic_store_n(maps->shared.by_user, kinds_by_user(&maps->filters[filter_entry(maps->filled, 0)]),
                         __ATOMIC_SEQ_CST);
        maps->in_force = maps->filled;
        maps->arming = prefilter->arming;
        maps->filled = 0;
}

/* ---- cgroups ---- */

/* A name's slot; equal names have equal slots. */
static uint16_t name_slot(enum arm_key key, const char *name, size_t length) {
        uint64_t hash = siphash_table(name, length, siphash_process_key());

        return MAX((hash ^ (uint64_t)key << 5) % ARM_SLOTS, UINT64_C(1));
}

/* The place of this one, NULL if it has none. `add`: a free one will do. */
static struct filter_group *find_group(struct prefilter_maps *maps, uint64_t id, bool add) {
        struct filter_group *free_one = NULL;

        for (uint32_t try = 0; try < FILTER_GROUP_TRIES; try++) {
                struct filter_group *group = &maps->groups[filter_group_entry(id, try)];

                if (group->id == id)
                        return group;
                if (group->id == 0)
                        free_one = group;
        }
        return add ? free_one : NULL;
}

static void keep_path(struct group_path *path, const char *text, size_t length, bool cut) {
        size_t n = MIN(length, (size_t)GROUP_PATH_MAX);

        free(path->text);
        *path = (struct group_path){.text = strndup(text, n), .length = n, .cut = cut || n < length};
}

/* Of a table that another process has filled what is there stays: the name of a cgroup does not change. */
static void classify_group(struct prefilter_maps *maps, struct filter_group *group, bool again) {
        const struct group_path *path = &maps->paths[group - maps->groups];

        for (uint32_t which = 0; which < ELEMENTSOF(maps->group_filters); which++)
                if (maps->group_filters[which])
                        group->class_of[which] = path->text ? group_class(maps, which, path) : 0;
                else if (!again)
                        group->class_of[which] = 0;
}

void prefilter_maps_see_group(struct prefilter_maps *maps, uint64_t id, const char *path, size_t length, bool cut) {
        char name[CGROUP_NAME_MAX];
        struct cgroup_parts parts;
        struct filter_group *group = id != 0 ? find_group(maps, id, true) : NULL;
        bool again;

        if (!group)
                return;
        cgroup_parse(path, length, cut, &parts, name);
        again = group->id == id;
        __atomic_store_n(&group->id, 0, __ATOMIC_SEQ_CST);
        group->unit = parts.has_unit ? name_slot(ARM_UNIT, path + parts.unit.offset, parts.unit.length) : 0;
        group->container = parts.has_container
                                   ? name_slot(ARM_CONTAINER, name + parts.container.offset, parts.container.length)
                                   : 0;
        keep_path(&maps->paths[group - maps->groups], path, length, cut);
        classify_group(maps, group, again);
        __atomic_store_n(&group->id, id, __ATOMIC_SEQ_CST);
}

void prefilter_maps_forget_group(struct prefilter_maps *maps, uint64_t id) {
        struct filter_group *group = id != 0 ? find_group(maps, id, false) : NULL;

        if (!group)
                return;
        __atomic_store_n(&group->id, 0, __ATOMIC_SEQ_CST);
        free(maps->paths[group - maps->groups].text);
        maps->paths[group - maps->groups] = (struct group_path){};
}
