/* SPDX-License-Identifier: Apache-2.0 */
/* Lists: their names, what is in them, and lists in lists. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/parser.h"
#include "policy/sema-private.h"

enum {
        LIST_NEW,
        LIST_OPEN,                      /* being flattened: to meet it again is a cycle */
        LIST_FLAT,
        LIST_BROKEN,
};

/* The built in ones, in the language itself. */
static const char built_in[] =
        "list private_nets = [10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, fc00::/7]\n"
        "list loopback     = [127.0.0.0/8, ::1]\n"
        "list link_local   = [169.254.0.0/16, fe80::/10]\n"
        "list multicast    = [224.0.0.0/4, ff00::/8]\n"
        "list carrier_nat  = [100.64.0.0/10]\n"
        "list unspecified  = [0.0.0.0/8, ::]\n"
        "list local_nets   = [private_nets, loopback, link_local, carrier_nat, unspecified]\n";

static int text_compare(struct text a, struct text b) {
        int r = memcmp(a.bytes, b.bytes, MIN(a.length, b.length));

        return r != 0 ? r : (a.length > b.length) - (a.length < b.length);
}

/* Definitions come before what adds to them, and drop-ins last, in their own order. */
static int sema_list_rank(const struct sema_list *list) {
        return list->built_in ? 0 : list->file->extends ? 3 : list->node->append ? 2 : 1;
}

static int sema_list_compare(const void *x, const void *y) {
        const struct sema_list *a = x, *b = y;
        int r = text_compare(a->node->name, b->node->name);

        if (r == 0)
                r = sema_list_rank(a) - sema_list_rank(b);
        return r != 0 ? r : (a->order > b->order) - (a->order < b->order);
}

bool sema_collect_lists(struct sema *s) {
        const struct source *source;
        struct file_node *built;
        size_t n = 0, i = 0;

        if (source_new(s->arena, "(built in)", built_in, sizeof(built_in) - 1, &source) < 0 ||
            parser_parse(source, s->arena, NULL, &built) < 0)
                return sema_no_memory(s);

        for (const struct list_node *l = built->lists; l; l = l->next)
                n++;
        for (const struct file_node *f = s->set->files; f; f = f->next)
                for (const struct list_node *l = f->lists; l; l = l->next)
                        n++;

        s->lists = arena_new_array(s->arena, struct sema_list, n);
        if (!s->lists)
                return sema_no_memory(s);

        for (struct list_node *l = built->lists; l; l = l->next, i++)
                s->lists[i] = (struct sema_list){.node = l, .built_in = true, .order = i};
        for (const struct file_node *f = s->set->files; f; f = f->next)
                for (struct list_node *l = f->lists; l; l = l->next, i++)
                        s->lists[i] = (struct sema_list){.node = l, .file = f, .order = i};

        s->n_lists = n;
        qsort(s->lists, n, sizeof(*s->lists), sema_list_compare);
        return true;
}

/* The name of a list that can be added to, for a message. */
static const char *closest_definition(struct sema *s, struct text name) {
        const char *names[256];
        size_t n = 0;

        for (size_t i = 0; i < s->n_lists && n < ELEMENTSOF(names); i++)
                if (!s->lists[i].node->append)
                        names[n++] = s->lists[i].node->name.bytes;
        return sema_closest(s, name, names, n);
}

/* What a drop-in says of a list replaces what the file says that it extends, and nothing else. */
static bool may_replace(const struct sema_list *first, const struct sema_list *list) {
        return list->file->extends && !first->built_in &&
               (first->file == list->file->extends || first->file->extends == list->file->extends);
}

static void report_second(struct sema *s, const struct sema_list *first, const struct sema_list *second) {
        struct text name = second->node->name;

        if (first->built_in) {
                sema_error(s, second->node->name_span, "the list '%.*s' is built in", TEXT_ARGS(name));
                diag_hint(s->diags, "'list %.*s += [...]' adds to it", TEXT_ARGS(name));
                return;
        }
        sema_error(s, second->node->name_span, "a second list '%.*s'", TEXT_ARGS(name));
        if (second->file->extends)
                diag_hint(s->diags, "a drop-in replaces lists of the file that it extends: '+=' adds to any");
        diag_related(s->diags, first->node->name_span, "first defined here");
}

/* All nodes of one name, in order, become the value of the first. */
static bool join_group(struct sema *s, struct sema_list *group, size_t n) {
        struct operand *value = &group[0].node->value, *items;
        size_t total = 0, at = 0;

        for (size_t i = 0; i < n; i++)
                total += group[i].node->value.n_items;
        items = arena_new_array(s->arena, struct operand, MAX(total, (size_t)1));
        if (!items)
                return sema_no_memory(s);

        for (size_t i = 0; i < n; i++) {
                const struct operand *own = &group[i].node->value;

                group[i].joined = i > 0;
                if (i > 0 && !group[i].node->append) {
                        if (!may_replace(&group[0], &group[i])) {
                                report_second(s, &group[0], &group[i]);
                                continue;
                        }
                        at = 0;
                }
                if (own->n_items > 0)
                        memcpy(items + at, own->items, own->n_items * sizeof(*items));
                at += own->n_items;
        }
        value->items = items;
        value->n_items = at;
        return true;
}

bool sema_join_lists(struct sema *s) {
        for (size_t i = 0, n; i < s->n_lists; i += n) {
                struct sema_list *group = &s->lists[i];

                n = 1;
                while (i + n < s->n_lists && text_equal(group[n].node->name, group[0].node->name))
                        n++;
                if (n > 1 && !join_group(s, group, n))
                        return false;
                if (group[0].node->append && !s->broken) {
                        sema_error(s, group[0].node->name_span, "there is no list '%.*s' to add to",
                                   TEXT_ARGS(group[0].node->name));
                        diag_did_you_mean(s->diags, closest_definition(s, group[0].node->name));
                }
        }
        return true;
}

struct sema_list *sema_find_list(struct sema *s, struct text name) {
        size_t low = 0, high = s->n_lists;

        /* The first of that name. */
        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (text_compare(s->lists[middle].node->name, name) < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low < s->n_lists && text_equal(s->lists[low].node->name, name) ? &s->lists[low] : NULL;
}

const char *sema_closest_list(struct sema *s, struct text name) {
        const char *names[256];
        size_t n = MIN(s->n_lists, ELEMENTSOF(names));

        for (size_t i = 0; i < n; i++)
                names[i] = s->lists[i].node->name.bytes;
        return sema_closest(s, name, names, n);
}

/* One item of a list, which is not a list itself: symbolic constants become numbers here. */
static bool check_item(struct sema *s, struct operand *item) {
        const char *closest;

        if (item->type != OPERAND_NAME)
                return true;

        if (sema_constant(item->text, FORMAT_PLAIN, &item->number)) {
                item->type = OPERAND_NUMBER;
                return true;
        }
        if (s->broken)
                return false;

        sema_error(s, item->span, "'%.*s' is neither a list nor a constant", TEXT_ARGS(item->text));
        closest = sema_closest_list(s, item->text);
        if (closest)
                diag_did_you_mean(s->diags, closest);
        else
                diag_hint(s->diags, "strings stand in quotes");
        return false;
}

bool sema_flatten_list(struct sema *s, struct sema_list *list) {
        struct operand *value = &list->node->value, *flat;
        size_t n = 0, i = 0;
        bool good = true, nested = false;
        unsigned deepest = 0;

        switch (list->state) {
        case LIST_FLAT:
                return true;
        case LIST_BROKEN:
                return false;
        case LIST_OPEN:
                return false;           /* whoever holds the name of the list reports the cycle */
        }
        list->state = LIST_OPEN;
        if (s->depth >= SEMA_MAX_LISTS_DEEP) {
                list->state = LIST_BROKEN;
                return sema_error(s, list->node->name_span, "lists in lists, more than %u deep", SEMA_MAX_LISTS_DEEP);
        }
        s->depth++;

        for (size_t k = 0; k < value->n_items; k++) {
                struct operand *item = &value->items[k];
                struct sema_list *other = item->type == OPERAND_NAME ? sema_find_list(s, item->text) : NULL;

                if (!other) {
                        good = check_item(s, item) && good;
                        n++;
                        continue;
                }
                nested = true;
                if (other->state == LIST_OPEN) {
                        sema_error(s, item->span, "the list '%.*s' contains itself", TEXT_ARGS(other->node->name));
                        if (other != list)
                                diag_related(s->diags, other->node->name_span, "it is defined here");
                        good = false;
                        continue;
                }
                good = sema_flatten_list(s, other) && good;
                deepest = MAX(deepest, other->depth);
                n += other->node->value.n_items;
        }
        s->depth--;
        list->depth = deepest + 1;
        if (good && list->depth > SEMA_MAX_LISTS_DEEP)
                good = sema_error(s, list->node->name_span, "lists in lists, more than %u deep", SEMA_MAX_LISTS_DEEP);

        s->n_items += n;
        if (s->n_items > SEMA_MAX_LIST_ITEMS) {
                if (s->n_items - n <= SEMA_MAX_LIST_ITEMS)
                        sema_error(s, list->node->name_span, "the lists are too large: more than %u items in all",
                                   SEMA_MAX_LIST_ITEMS);
                good = false;
        }
        if (!good || !nested) {
                list->state = good ? LIST_FLAT : LIST_BROKEN;
                return good;
        }

        flat = arena_new_array(s->arena, struct operand, MAX(n, (size_t)1));
        if (!flat)
                return sema_no_memory(s);
        for (size_t k = 0; k < value->n_items; k++) {
                struct sema_list *other =
                        value->items[k].type == OPERAND_NAME ? sema_find_list(s, value->items[k].text) : NULL;

                if (!other)
                        flat[i++] = value->items[k];
                else if (other->node->value.n_items > 0) {
                        memcpy(flat + i, other->node->value.items, other->node->value.n_items * sizeof(*flat));
                        i += other->node->value.n_items;
                }
        }
        value->items = flat;
        value->n_items = n;
        list->state = LIST_FLAT;
        return true;
}

void sema_check_lists(struct sema *s) {
        for (size_t i = 0; i < s->n_lists; i++) {
                struct sema_list *list = &s->lists[i];
                struct text name = list->node->name;

                if (list->joined)
                        continue;
                if (name.length > SEMA_MAX_NAME)
                        sema_error(s, list->node->name_span, "this name is too long: more than %d bytes",
                                   SEMA_MAX_NAME);
                else if (memchr(name.bytes, '.', name.length))
                        sema_error(s, list->node->name_span, "the name of a list has no dots");
                sema_flatten_list(s, list);
        }
}
