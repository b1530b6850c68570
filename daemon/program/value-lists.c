/* SPDX-License-Identifier: Apache-2.0 */
#include "program/value-lists.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/parse.h"
#include "event/compare.h"

struct value_lists *value_lists_new(void) {
        struct value_lists *lists = calloc(1, sizeof(*lists));

        if (lists)
                lists->next_ns = UINT64_MAX;
        return lists;
}

static void list_free(struct value_list *list) {
        struct hashmap_entry *entry;
        size_t position = 0;

        while ((entry = hashmap_next(&list->entries, &position)))
                free(entry->value);
        hashmap_done(&list->entries);
        array_done(&list->networks);
        free(list);
}

void value_lists_clear(struct value_lists *lists, const char *name) {
        size_t kept = 0;

        for (size_t i = 0; i < lists->n; i++) {
                struct value_list *list = lists->items[i];

                if (name && !streq(list->name, name)) {
                        lists->items[kept++] = list;
                        continue;
                }
                lists->n_values -= list->entries.n;
                list_free(list);
        }
        lists->n = kept;
}

struct value_lists *value_lists_free(struct value_lists *lists) {
        if (lists)
                value_lists_clear(lists, NULL);
        free(lists);
        return NULL;
}

bool value_lists_is_name(const char *name, size_t n) {
        for (size_t i = 0; i < n; i++) {
                char c = name[i];

                if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
                      c == '-'))
                        return false;
        }
        return n > 0 && n <= VALUE_LISTS_NAME_MAX;
}

struct value_list *value_lists_find(const struct value_lists *lists, const char *name, size_t n) {
        for (size_t i = 0; i < lists->n; i++)
                if (memeq_str(name, n, lists->items[i]->name))
                        return lists->items[i];
        return NULL;
}

static int get_list(struct value_lists *lists, const char *name, struct value_list **ret) {
        struct value_list *list = value_lists_find(lists, name, strlen(name));

        if (!list) {
                if (!value_lists_is_name(name, strlen(name)))
                        return -EINVAL;
                if (lists->n == VALUE_LISTS_MAX)
                        return -ENOSPC;
                list = calloc(1, sizeof(*list));
                if (!list)
                        return -ENOMEM;
                hashmap_init(&list->entries);
                strcpy(list->name, name);
                lists->items[lists->n++] = list;
        }
        *ret = list;
        return 0;
}

/* An address as everybody writes it is found by its text. Everything else that is a network is looked at. */
static struct wire_address network_of(const char *value, size_t n, uint32_t *ret_prefix) {
        const char *slash = memchr(value, '/', n);
        size_t length = slash ? (size_t)(slash - value) : n;
        char text[INET6_ADDRSTRLEN], canonical[INET6_ADDRSTRLEN];
        struct wire_address network = {};
        int family = memchr(value, ':', length) ? AF_INET6 : AF_INET;
        uint64_t most = family == AF_INET ? 32 : 128, prefix = most;

        if (length >= sizeof(text))
                return (struct wire_address){};
        memcpy(text, value, length);
        text[length] = 0;
        if (inet_pton(family, text, network.bytes) != 1 ||
            (slash && parse_u64_n(slash + 1, n - length - 1, 0, most, &prefix) < 0))
                return (struct wire_address){};
        if (!slash && inet_ntop(family, network.bytes, canonical, sizeof(canonical)) &&
            streq(canonical, text) && (family == AF_INET || !strchr(text, '.')))
                return (struct wire_address){};
        network.family = (uint16_t)family;
        *ret_prefix = (uint32_t)prefix;
        return network;
}

static int insert(struct value_lists *lists, struct value_list *list, const char *value, size_t n,
                  uint64_t until_ns) {
        uint32_t prefix = 0;
        struct wire_address network = network_of(value, n, &prefix);
        struct value_entry *entry;
        int r;

        if (lists->n_values >= VALUE_LISTS_VALUES_MAX || n > VALUE_LISTS_VALUE_MAX ||
            (network.family != 0 && list->networks.n >= VALUE_LISTS_NETWORKS_MAX))
                return -ENOSPC;
        entry = calloc(1, sizeof(*entry) + n + 1);
        if (!entry)
                return -ENOMEM;
        entry->until_ns = until_ns;
        entry->network = network;
        entry->prefix = prefix;
        entry->length = n;
        memcpy(entry->value, value, n);
        r = network.family != 0 ? array_push(&list->networks, entry) : 0;
        if (r >= 0) {
                r = hashmap_put(&list->entries, entry->value, n, entry);
                if (r < 0 && network.family != 0)
                        list->networks.n--;
        }
        if (r < 0) {
                free(entry);
                return r;
        }
        lists->n_values++;
        lists->next_ns = MIN(lists->next_ns, until_ns);
        return 1;
}

struct value_entry *value_lists_get(const struct value_lists *lists, const char *name, const char *value, size_t n) {
        const struct value_list *list = value_lists_find(lists, name, strlen(name));

        return list ? hashmap_find(&list->entries, value, n) : NULL;
}

int value_lists_put(struct value_lists *lists, const char *name, const char *value, size_t n, uint64_t until_ns) {
        struct value_entry *entry;
        struct value_list *list;
        int r;

        r = get_list(lists, name, &list);
        if (r >= 0) {
                entry = hashmap_find(&list->entries, value, n);
                if (entry) {
                        entry->until_ns = until_ns;
                        lists->next_ns = MIN(lists->next_ns, until_ns);
                        return 0;
                }
                r = insert(lists, list, value, n, until_ns);
        }
        if (r == -ENOSPC)
                lists->n_refused++;
        return r;
}

static void take_out(struct value_lists *lists, struct value_list *list, struct value_entry *entry) {
        (void)hashmap_remove(&list->entries, entry->value, entry->length);
        for (size_t i = 0; entry->network.family != 0 && i < list->networks.n; i++)
                if (list->networks.items[i] == entry) {
                        list->networks.items[i] = list->networks.items[--list->networks.n];
                        break;
                }
        lists->n_values--;
        free(entry);
}

bool value_lists_remove(struct value_lists *lists, const char *name, const char *value, size_t n) {
        struct value_list *list = value_lists_find(lists, name, strlen(name));
        struct value_entry *entry = list ? hashmap_find(&list->entries, value, n) : NULL;

        if (entry)
                take_out(lists, list, entry);
        return entry != NULL;
}

static size_t expire_list(struct value_lists *lists, struct value_list *list, uint64_t now_ns, uint64_t *next_ns) {
        ARRAY(struct value_entry *) gone = {};
        struct hashmap_entry *at;
        size_t position = 0, n;

        while ((at = hashmap_next(&list->entries, &position))) {
                struct value_entry *entry = at->value;

                /* Without memory for it, it goes the next time; until then it is out of date all the same. */
                if (entry->until_ns > now_ns || array_push(&gone, entry) < 0)
                        *next_ns = MIN(*next_ns, entry->until_ns);
        }
        ARRAY_FOREACH(entry, &gone)
                take_out(lists, list, *entry);
        n = gone.n;
        array_done(&gone);
        return n;
}

size_t value_lists_expire(struct value_lists *lists, uint64_t now_ns) {
        uint64_t next_ns = UINT64_MAX;
        size_t n = 0;

        if (now_ns < lists->next_ns)
                return 0;
        for (size_t i = 0; i < lists->n; i++) {
                size_t gone = expire_list(lists, lists->items[i], now_ns, &next_ns);

                lists->items[i]->changed = lists->items[i]->changed || gone > 0;
                n += gone;
        }
        lists->next_ns = next_ns;
        return n;
}

/* ---- asking ---- */

static bool is_on(const struct value_list *list, const char *text, size_t n, uint64_t now_ns) {
        const struct value_entry *entry = hashmap_find(&list->entries, text, n);

        return entry && entry->until_ns > now_ns;
}

static enum truth has_address(const struct value_list *list, const struct value *value, uint64_t now_ns) {
        static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
        struct wire_address address = value->address;
        enum truth answer = TRUTH_FALSE;
        char text[INET6_ADDRSTRLEN];

        if (address.family == AF_INET6 && memcmp(address.bytes, mapped, sizeof(mapped)) == 0) {
                address.family = AF_INET;
                memmove(address.bytes, address.bytes + sizeof(mapped), 4);
        }
        if (inet_ntop(address.family, address.bytes, text, sizeof(text)) && is_on(list, text, strlen(text), now_ns))
                return TRUTH_TRUE;
        for (size_t i = 0; i < list->networks.n && answer != TRUTH_TRUE; i++) {
                const struct value_entry *entry = list->networks.items[i];

                if (entry->until_ns > now_ns)
                        answer = truth_or(answer, value_in_network(value, &entry->network, entry->prefix));
        }
        return answer;
}

/* A beginning of one of them may be all of it. */
static enum truth has_cut(const struct value_list *list, const struct value *value, uint64_t now_ns) {
        enum truth answer = TRUTH_FALSE;
        struct hashmap_entry *at;
        size_t position = 0;

        while (answer != TRUTH_TRUE && (at = hashmap_next(&list->entries, &position))) {
                const struct value_entry *entry = at->value;

                if (entry->until_ns > now_ns)
                        answer = truth_or(answer, value_is_bytes(value, entry->value, entry->length));
        }
        return answer;
}

enum truth value_lists_has(const struct value_lists *lists, const char *name, size_t n, const struct value *value,
                           uint64_t now_ns) {
        const struct value_list *list;
        char text[24];

        if (value->state == VALUE_UNKNOWN)
                return TRUTH_UNKNOWN;
        list = lists ? value_lists_find(lists, name, n) : NULL;
        if (!list)
                return TRUTH_FALSE;
        switch ((int)value->type) {
        case VALUE_STRING:
                if (value->state == VALUE_CUT)
                        return has_cut(list, value, now_ns);
                return is_on(list, value->bytes ?: "", value->length, now_ns) ? TRUTH_TRUE : TRUTH_FALSE;
        case VALUE_NUMBER:
                snprintf(text, sizeof(text), "%" PRId64, value->number);
                return is_on(list, text, strlen(text), now_ns) ? TRUTH_TRUE : TRUTH_FALSE;
        case VALUE_ADDRESS: return has_address(list, value, now_ns);
        default: return TRUTH_FALSE;
        }
}
