/* SPDX-License-Identifier: Apache-2.0 */
#include "report/tune.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/intern.h"
#include "base/strbuf.h"
#include "report/alert-record.h"

#define MAX_NAMES ((size_t)1 << 18)
#define MAX_NAME_BYTES ((size_t)64 << 20)
#define MAX_SHOWN 10                    /* kinds of alerts that remain */

struct item {
        const char *policy;             /* texts are interned; equal ones are one pointer */
        const char *traits[_TUNE_TRAIT_MAX]; /* NULL: unknown */
        const char *file_field;         /* static */
        const char *file;
        uint64_t n, number;
        size_t order;                   /* of arrival */
        enum severity severity;
        bool seed, contained, hidden;
};

struct tune {
        struct interner *names;         /* owned */
        uint64_t min_alerts;
        ARRAY(struct item) items;
        ARRAY(struct tune_policy) policies;
};

/* From the narrowest on. An image alone, or of a user, needs files that lie together. */
static const struct level {
        unsigned traits;
        bool needs_file;
} levels[] = {
#define TRAIT(name) (1U << TUNE_##name)
        {TRAIT(EXE) | TRAIT(PARENT) | TRAIT(UNIT) | TRAIT(UID), false},
        {TRAIT(EXE) | TRAIT(PARENT) | TRAIT(UNIT), false},
        {TRAIT(EXE) | TRAIT(UNIT) | TRAIT(UID), false},
        {TRAIT(EXE) | TRAIT(PARENT) | TRAIT(UID), false},
        {TRAIT(EXE) | TRAIT(UNIT), false},
        {TRAIT(EXE) | TRAIT(PARENT), false},
        {TRAIT(EXE) | TRAIT(UID), true},
        {TRAIT(EXE), true},
#undef TRAIT
};
#define ALL_TRAITS ((1U << _TUNE_TRAIT_MAX) - 1)

int tune_new(uint64_t min_alerts, struct tune **ret) {
        _cleanup_(tune_freep) struct tune *tune = calloc(1, sizeof(*tune));
        int r;

        assert(min_alerts > 0 && ret);

        if (!tune)
                return -ENOMEM;
        tune->min_alerts = min_alerts;
        r = interner_new(MAX_NAMES, MAX_NAME_BYTES, &tune->names);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(tune);
        return 0;
}

struct tune *tune_free(struct tune *tune) {
        if (!tune)
                return NULL;
        array_done(&tune->items);
        array_done(&tune->policies);
        interner_free(tune->names);
        free(tune);
        return NULL;
}

static int keep(struct tune *tune, const char *text, const char **ret) {
        return text ? intern_get(tune->names, text, strlen(text), ret) : 0;
}

int tune_add(struct tune *tune, const struct alert_record *record) {
        struct item item = {.severity = SEVERITY_HIGH}; /* one that is not known is taken seriously */
        char uid[24];
        int r;

        assert(tune && record && record->policy && tune->policies.n == 0);

        item.n = record->repeats;
        item.number = record->number;
        item.order = tune->items.n;
        item.contained = record->contained;
        item.seed = record->exe && !record->odd_image && !record->contained;
        item.file_field = record->file_field;
        r = record->severity ? severity_from_string(record->severity, strlen(record->severity)) : -EINVAL;
        if (r >= 0)
                item.severity = (enum severity)r;

        snprintf(uid, sizeof(uid), "%lld", (long long)record->uid);
        r = keep(tune, record->policy, &item.policy);
        if (r >= 0)
                r = keep(tune, record->exe, &item.traits[TUNE_EXE]);
        if (r >= 0)
                r = keep(tune, record->parent, &item.traits[TUNE_PARENT]);
        if (r >= 0)
                r = keep(tune, record->unit, &item.traits[TUNE_UNIT]);
        if (r >= 0)
                r = keep(tune, record->uid >= 0 ? uid : NULL, &item.traits[TUNE_UID]);
        if (r >= 0)
                r = keep(tune, record->file, &item.file);
        if (r >= 0)
                r = array_push_bounded(&tune->items, item, TUNE_MAX_ALERTS);
        return r;
}

/* ---- groups ---- */

static int compare_numbers(uint64_t a, uint64_t b) {
        return a < b ? -1 : a > b;
}

/* By the traits, 0 if they are the same. The order of interned names is that of their arrival. */
static int compare_traits(const struct item *a, const struct item *b, unsigned traits) {
        for (int i = 0; i < _TUNE_TRAIT_MAX; i++) {
                uint32_t x, y;

                if (!(traits & (1U << i)) || a->traits[i] == b->traits[i])
                        continue;
                x = a->traits[i] ? intern_id(a->traits[i]) + 1 : 0;
                y = b->traits[i] ? intern_id(b->traits[i]) + 1 : 0;
                return x < y ? -1 : 1;
        }
        return 0;
}

static int compare_members(const void *a, const void *b, void *traits) {
        const struct item *const *x = a, *const *y = b;
        int r = compare_traits(*x, *y, *(const unsigned *)traits);

        return r != 0 ? r : compare_numbers((*x)->order, (*y)->order);
}

static bool has_traits(const struct item *item, unsigned traits) {
        for (int i = 0; i < _TUNE_TRAIT_MAX; i++)
                if ((traits & (1U << i)) && !item->traits[i])
                        return false;
        return true;
}

/* Where all of their files lie, as deep as it goes: the file itself, or its directory. */
static void find_file(struct item *const *members, size_t n, struct tune_exception *exception) {
        const struct item *first = members[0];
        size_t length = first->file ? strlen(first->file) : 0;
        bool whole = true;

        if (!first->file)
                return;
        for (size_t i = 1; i < n; i++) {
                const struct item *item = members[i];
                size_t common = 0;

                if (!item->file || !streq(item->file_field, first->file_field))
                        return;
                if (item->file == first->file)
                        continue;
                while (common < length && item->file[common] == first->file[common])
                        common++;
                length = common;
                whole = false;
        }
        while (!whole && length > 0 && first->file[length - 1] != '/')
                length--;
        if (length <= 1)
                return;
        exception->file_field = first->file_field;
        exception->file = first->file;
        exception->file_length = length;
        exception->file_whole = whole;
}

static bool hides(const struct tune_exception *exception, const struct item *item) {
        for (int i = 0; i < _TUNE_TRAIT_MAX; i++)
                if (exception->traits[i] && exception->traits[i] != item->traits[i])
                        return false;
        if (exception->outside && item->contained)
                return false;
        if (!exception->file_field)
                return true;
        if (!item->file || !streq(item->file_field, exception->file_field))
                return false;
        return exception->file_whole ? item->file == exception->file
                                     : strncmp(item->file, exception->file, exception->file_length) == 0;
}

struct group {
        struct tune_exception exception;
        uint64_t n;
        size_t order;
};

/* The largest first. */
static int compare_groups(const void *a, const void *b) {
        const struct group *x = a, *y = b;

        return x->n != y->n ? compare_numbers(y->n, x->n) : compare_numbers(x->order, y->order);
}

static void add_exception(struct tune *tune, struct tune_policy *policy, const struct tune_exception *exception) {
        struct tune_exception *e;

        if (policy->n_exceptions == TUNE_MAX_EXCEPTIONS) {
                policy->more = true;
                return;
        }
        e = policy->exceptions + policy->n_exceptions++;
        *e = *exception;
        for (size_t i = policy->first; i < policy->first + policy->n; i++) {
                struct item *item = tune->items.items + i;

                if (!hides(e, item))
                        continue;
                e->n_hidden += item->n;
                policy->n_hidden += item->hidden ? 0 : item->n;
                item->hidden = true;
        }
}

/* The exceptions of one level, from what those before it left. `members` has room for all alerts of the policy. */
static int propose_level(struct tune *tune, struct tune_policy *policy, const struct level *level,
                         struct item **members) {
        ARRAY(struct group) groups = {};
        unsigned traits = level->traits;
        size_t n = 0, end;
        int r = 0;

        for (size_t i = policy->first; i < policy->first + policy->n; i++) {
                struct item *item = tune->items.items + i;

                if (!item->hidden && item->seed && has_traits(item, traits))
                        members[n++] = item;
        }
        if (n > 0)
                qsort_r(members, n, sizeof(*members), compare_members, &traits);

        for (size_t begin = 0; begin < n && r >= 0; begin = end) {
                struct group group = {.order = members[begin]->order};

                for (end = begin; end < n && compare_traits(members[begin], members[end], traits) == 0; end++)
                        group.n += members[end]->n;
                if (group.n < tune->min_alerts)
                        continue;
                for (int i = 0; i < _TUNE_TRAIT_MAX; i++)
                        group.exception.traits[i] = traits & (1U << i) ? members[begin]->traits[i] : NULL;
                group.exception.outside = !group.exception.traits[TUNE_UNIT];
                find_file(members + begin, end - begin, &group.exception);
                if (level->needs_file && !group.exception.file_field)
                        continue;
                r = array_push(&groups, group);
        }
        if (groups.n > 0)
                qsort(groups.items, groups.n, sizeof(*groups.items), compare_groups);
        ARRAY_FOREACH(group, &groups)
                if (r >= 0)
                        add_exception(tune, policy, &group->exception);
        array_done(&groups);
        return r;
}

static int compare_items(const void *a, const void *b) {
        const struct item *x = a, *y = b;
        int r = x->policy == y->policy ? 0 : strcmp(x->policy, y->policy);

        return r != 0 ? r : compare_numbers(x->order, y->order);
}

int tune_propose(struct tune *tune, struct tune_policy **ret, size_t *ret_n) {
        _cleanup_(freep) struct item **members = NULL;
        int r = 0;

        assert(tune && ret && ret_n && tune->policies.n == 0);

        if (tune->items.n > 0)
                qsort(tune->items.items, tune->items.n, sizeof(*tune->items.items), compare_items);
        members = calloc(MAX(tune->items.n, (size_t)1), sizeof(*members));
        if (!members)
                return -ENOMEM;
        for (size_t i = 0; i < tune->items.n; i++) {
                const struct item *item = tune->items.items + i;
                struct tune_policy *policy = tune->policies.n > 0 ? array_last(&tune->policies) : NULL;

                if (!policy || policy->name != item->policy) {
                        policy = array_add(&tune->policies);
                        if (!policy)
                                return -ENOMEM;
                        policy->name = item->policy;
                        policy->first = i;
                }
                policy->n++;
                policy->n_alerts += item->n;
                policy->severity = MAX(policy->severity, item->severity);
        }
        ARRAY_FOREACH(policy, &tune->policies)
                for (size_t i = 0; i < ELEMENTSOF(levels) && r >= 0 && policy->n_alerts >= tune->min_alerts; i++)
                        r = propose_level(tune, policy, levels + i, members);
        if (r < 0)
                return r;
        *ret = tune->policies.items;
        *ret_n = tune->policies.n;
        return 0;
}

bool tune_policy_is_grave(const struct tune_policy *policy) {
        return policy->severity >= SEVERITY_HIGH && policy->n_exceptions > 0 && policy->n_hidden == policy->n_alerts;
}

/* ---- text ---- */

static const char *const trait_fields[_TUNE_TRAIT_MAX] = {"proc.exe", "parent.exe", "proc.unit", "proc.uid"};

/* A string of the language, with nothing in it that is not plain on every terminal. */
static void put_string(const char *text, size_t n, struct strbuf *b) {
        strbuf_put_char(b, '"');
        for (size_t i = 0; i < n; i++) {
                unsigned char c = (unsigned char)text[i];

                if (c == '"' || c == '\\')
                        strbuf_put_char(b, '\\');
                if (c < 0x20 || c > 0x7e)
                        strbuf_printf(b, "\\x%02x", c);
                else
                        strbuf_put_char(b, (char)c);
        }
        strbuf_put_char(b, '"');
}

/* What it does not ask for: the reader sees how wide the hole is. */
static void put_breadth(const struct tune_exception *exception, struct strbuf *b) {
        static const char *const words[_TUNE_TRAIT_MAX] = {"image", "parent", "unit", "user"};
        const char *const begin = "    # whatever the ";
        const char *before = begin;

        for (int i = 0; i < _TUNE_TRAIT_MAX; i++) {
                if (exception->traits[i])
                        continue;
                strbuf_put(b, before);
                strbuf_put(b, words[i]);
                before = ", the ";
        }
        if (before != begin)
                strbuf_put_char(b, '\n');
}

static void put_exception(const struct tune_policy *policy, const struct tune_exception *exception, struct strbuf *b) {
        put_breadth(exception, b);
        strbuf_printf(b, "    except \"proposed by tune: %" PRIu64 " of %" PRIu64 " alerts\" {\n", exception->n_hidden,
                      policy->n_alerts);
        for (int i = 0; i < _TUNE_TRAIT_MAX; i++) {
                if (!exception->traits[i])
                        continue;
                strbuf_printf(b, "        %s == ", trait_fields[i]);
                if (i == TUNE_UID)
                        strbuf_put(b, exception->traits[i]);
                else
                        put_string(exception->traits[i], strlen(exception->traits[i]), b);
                strbuf_put_char(b, '\n');
        }
        if (exception->outside)
                strbuf_put(b, "        proc.container.id == \"\"\n");
        if (exception->file_field) {
                strbuf_printf(b, "        %s %s ", exception->file_field, exception->file_whole ? "==" : "startswith");
                put_string(exception->file, exception->file_length, b);
                strbuf_put_char(b, '\n');
        }
        strbuf_put(b, "    }\n");
}

static void put_known(const char *before, const char *text, const char *otherwise, struct strbuf *b) {
        strbuf_put(b, before);
        if (text)
                strbuf_put_text(b, text, strlen(text));
        else
                strbuf_put(b, otherwise);
}

/* What would still be told, alerts that are alike in one line, in order of arrival. */
static void put_rest(const struct tune *tune, const struct tune_policy *policy, struct strbuf *b) {
        const struct item *shown[MAX_SHOWN];
        uint64_t n_shown[MAX_SHOWN] = {}, n_more = 0;
        size_t n = 0;

        for (size_t i = policy->first; i < policy->first + policy->n; i++) {
                const struct item *item = tune->items.items + i;
                size_t k = 0;

                if (item->hidden)
                        continue;
                while (k < n && (compare_traits(shown[k], item, ALL_TRAITS) != 0 || shown[k]->file != item->file))
                        k++;
                if (k == MAX_SHOWN) {
                        n_more += item->n;
                        continue;
                }
                if (k == n)
                        shown[n++] = item;
                n_shown[k] += item->n;
        }
        for (size_t k = 0; k < n; k++) {
                strbuf_printf(b, "#   %" PRIu64 " x ", n_shown[k]);
                put_known("", shown[k]->traits[TUNE_EXE], "an image that is not known", b);
                put_known(" below ", shown[k]->traits[TUNE_PARENT], "?", b);
                put_known(", ", shown[k]->traits[TUNE_UNIT], "no unit", b);
                put_known(", uid ", shown[k]->traits[TUNE_UID], "?", b);
                if (shown[k]->file)
                        put_known(": ", shown[k]->file, "", b);
                if (!shown[k]->seed && shown[k]->traits[TUNE_EXE])
                        strbuf_put(b, " (the image is not what its name says, or a container's)");
                if (shown[k]->number > 0)
                        strbuf_printf(b, "  #%" PRIu64, shown[k]->number);
                strbuf_put_char(b, '\n');
        }
        if (n_more > 0)
                strbuf_printf(b, "#   %" PRIu64 " more\n", n_more);
}

void tune_put_policy(const struct tune *tune, const struct tune_policy *policy, struct strbuf *b) {
        uint64_t n_left = policy->n_alerts - policy->n_hidden;

        strbuf_put(b, "# ");
        strbuf_put_text(b, policy->name, strlen(policy->name));
        strbuf_printf(b,
                      ", %s: %" PRIu64 " of %" PRIu64 " alerts would have been silenced, %" PRIu64 " would remain%s\n",
                      severity_to_string(policy->severity), policy->n_hidden, policy->n_alerts, n_left,
                      n_left > 0 ? ":" : "");
        put_rest(tune, policy, b);
        if (policy->more)
                strbuf_printf(b, "# More than %d exceptions would be needed: look at the policy itself\n",
                              TUNE_MAX_EXCEPTIONS);
        if (tune_policy_is_grave(policy))
                strbuf_printf(b,
                              "# WARNING: this silences EVERYTHING that a policy of severity %s said. Is one of these "
                              "an attack?\n",
                              severity_to_string(policy->severity));
        if (policy->n_exceptions == 0)
                return;
        strbuf_put(b, "path ");
        put_string(policy->name, strlen(policy->name), b);
        strbuf_put(b, " {\n");
        for (size_t i = 0; i < policy->n_exceptions; i++)
                put_exception(policy, policy->exceptions + i, b);
        strbuf_put(b, "}\n");
}
