/* SPDX-License-Identifier: Apache-2.0 */
#include "report/tune.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/intern.h"
#include "report/alert-record.h"
#include "report/tune-private.h"

#define MAX_NAMES ((size_t)1 << 18)
#define MAX_NAME_BYTES ((size_t)64 << 20)

#define TRAIT(name) (1U << TUNE_##name)
#define ALL_TRAITS ((1U << _TUNE_TRAIT_MAX) - 1)

/* From the narrowest on. What is varied is named all the same, value by value. */
static const struct level {
        unsigned traits;                /* all alerts of an exception agree in these */
        enum tune_trait varied;
} levels[] = {
        {ALL_TRAITS, _TUNE_TRAIT_MAX},
        {ALL_TRAITS & ~TRAIT(ARGS), _TUNE_TRAIT_MAX},
        {ALL_TRAITS & ~(TRAIT(ARGS) | TRAIT(UID)), TUNE_UID},
        {ALL_TRAITS & ~(TRAIT(ARGS) | TRAIT(PARENT)), TUNE_PARENT},
        {ALL_TRAITS & ~(TRAIT(ARGS) | TRAIT(UNIT)), TUNE_UNIT},
};

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

/* "session-12.scope", as logind calls it. */
static bool is_session(const char *unit) {
        size_t n, begin = strlen("session-");

        if (strncmp(unit, "session-", begin) != 0)
                return false;
        begin += unit[begin] == 'c';
        n = strspn(unit + begin, "0123456789");
        return n > 0 && streq(unit + begin + n, ".scope");
}

/* What is not known for certain makes no exception: it would be one without this condition. */
static const char *barred(const struct alert_record *record, const char *const traits[static _TUNE_TRAIT_MAX]) {
        if (record->contained)
                return "in a container";
        if (record->odd_image)
                return "the image is not what its name says";
        for (int i = 0; i < _TUNE_TRAIT_MAX; i++)
                if (i != TUNE_ARGS && !traits[i])
                        return "not all of it is known";
        if (record->file_unclear)
                return "its file is not known for certain";
        if (tune_is_public(record->exe) || tune_is_public(record->parent))
                return "a program in a public place";
        return NULL;
}

int tune_add(struct tune *tune, const struct alert_record *record) {
        struct tune_item item = {.severity = SEVERITY_HIGH}; /* one that is not known is taken seriously */
        const char *texts[_TUNE_TRAIT_MAX] = {};
        char uid[24], login[24];
        int r;

        assert(tune && record && record->policy && tune->policies.n == 0);

        item.n = record->repeats;
        item.number = record->number;
        item.order = tune->items.n;
        item.hidden_by = SIZE_MAX;
        item.contained = record->contained;
        item.file_field = record->file_field;
        r = record->severity ? severity_from_string(record->severity, strlen(record->severity)) : -EINVAL;
        if (r >= 0)
                item.severity = (enum severity)r;

        snprintf(uid, sizeof(uid), "%lld", (long long)record->uid);
        snprintf(login, sizeof(login), "%lld", (long long)record->login);
        texts[TUNE_EXE] = record->exe;
        texts[TUNE_PARENT] = record->parent;
        texts[TUNE_UNIT] = record->unit && is_session(record->unit) ? TUNE_SESSIONS : record->unit;
        if (record->unit && strchr(record->unit, '*'))
                texts[TUNE_UNIT] = NULL; /* no name of a unit */
        texts[TUNE_UID] = record->uid >= 0 ? uid : NULL;
        texts[TUNE_LOGIN] = record->login >= ALERT_RECORD_NO_LOGIN ? login : NULL;
        texts[TUNE_ARGS] = record->args;
        item.barred = barred(record, texts);

        r = keep(tune, record->policy, &item.policy);
        for (int i = 0; i < _TUNE_TRAIT_MAX && r >= 0; i++)
                r = keep(tune, texts[i], &item.traits[i]);
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

int tune_compare_traits(const struct tune_item *a, const struct tune_item *b, unsigned traits) {
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

/* One exception speaks of files of one kind of event, or of none. */
static int compare_kin(const struct tune_item *a, const struct tune_item *b, unsigned traits) {
        int r = tune_compare_traits(a, b, traits);

        return r != 0 ? r : strcmp(a->file_field ?: "", b->file_field ?: "");
}

static int compare_members(const void *a, const void *b, void *traits) {
        const struct tune_item *const *x = a, *const *y = b;
        int r = compare_kin(*x, *y, *(const unsigned *)traits);

        return r != 0 ? r : compare_numbers((*x)->order, (*y)->order);
}

static int compare_files(const void *a, const void *b) {
        const struct tune_item *const *x = a, *const *y = b;
        int r = (*x)->file == (*y)->file ? 0 : strcmp((*x)->file, (*y)->file);

        return r != 0 ? r : compare_numbers((*x)->order, (*y)->order);
}

static bool has_traits(const struct tune_item *item, unsigned traits) {
        for (int i = 0; i < _TUNE_TRAIT_MAX; i++)
                if ((traits & (1U << i)) && !item->traits[i])
                        return false;
        return true;
}

/* Is it one of these, or is there room for it? */
static bool note(const char **values, size_t *n, size_t max, const char *value) {
        for (size_t i = 0; i < *n; i++)
                if (values[i] == value)
                        return true;
        if (*n == max)
                return false;
        values[(*n)++] = value;
        return true;
}

/* All that they name, if that is not too much. */
static bool find_values(struct tune_item *const *members, size_t n, struct tune_exception *exception) {
        if (exception->varied == _TUNE_TRAIT_MAX)
                return true;
        for (size_t i = 0; i < n; i++)
                if (!note(exception->values, &exception->n_values, TUNE_MAX_VALUES,
                          members[i]->traits[exception->varied]))
                        return false;
        return true;
}

/* Only what a service does may be told by a directory that everybody could have made. */
static bool of_service(const struct tune_exception *exception) {
        return exception->varied != TUNE_UNIT && tune_is_service(exception->traits[TUNE_UNIT]);
}

/* Their files, or the directory that all are in. */
static bool find_files(struct tune_item *const *members, size_t n, struct tune_exception *exception) {
        const char *first = members[0]->file;
        size_t length = strlen(first);

        exception->file_field = members[0]->file_field;
        for (size_t i = 0; i < n; i++)
                if (!note(exception->files, &exception->n_files, TUNE_MAX_FILES, members[i]->file))
                        exception->directory_length = length;
        if (exception->directory_length == 0)
                return true;

        for (size_t i = 1; i < n; i++) {
                size_t common = 0;

                while (common < length && members[i]->file[common] == first[common])
                        common++;
                length = common;
        }
        while (length > 0 && first[length - 1] != '/')
                length--;
        exception->files[0] = first;
        exception->n_files = 1;
        exception->directory_length = length;
        return length > 0 && tune_directory_of(first, of_service(exception)) > 0 &&
               length >= tune_directory_of(first, of_service(exception));
}

/* An interpreter is what it is told; anything else is itself. */
static bool is_narrow(struct tune_exception *exception) {
        const char *exe = exception->traits[TUNE_EXE];
        bool says = false;

        if (!tune_is_interpreter(exe)) {
                /* That it was run under its own name says nothing more. */
                if (exception->n_files == 1 && exception->directory_length == 0 && exception->files[0] == exe &&
                    streq(exception->file_field, "filename"))
                        exception->n_files = 0;
                return true;
        }
        if (exception->traits[TUNE_ARGS] && tune_args_say(exception->traits[TUNE_ARGS]))
                return true;
        for (size_t i = 0; i < exception->n_files; i++) {
                if (!tune_file_says(exception->file_field, exception->files[i]))
                        return false;
                /* Who runs a script in a public place runs anybody's. */
                if (tune_is_public(exception->files[i]) && streq(exception->file_field, "filename") &&
                    !of_service(exception))
                        return false;
                says = true;
        }
        return says;
}

static bool hides(const struct tune_exception *exception, const struct tune_item *item) {
        bool found = exception->varied == _TUNE_TRAIT_MAX;

        if (item->contained)
                return false;
        for (int i = 0; i < _TUNE_TRAIT_MAX; i++)
                if (exception->traits[i] && exception->traits[i] != item->traits[i])
                        return false;
        for (size_t i = 0; i < exception->n_values && !found; i++)
                found = exception->values[i] == item->traits[exception->varied];
        if (!found || exception->n_files == 0)
                return found;
        if (!item->file || !streq(item->file_field, exception->file_field))
                return false;
        if (exception->directory_length > 0)
                return strncmp(item->file, exception->files[0], exception->directory_length) == 0 &&
                       !strstr(item->file, "/../");
        for (size_t i = 0; i < exception->n_files; i++)
                if (exception->files[i] == item->file)
                        return true;
        return false;
}

struct group {
        struct tune_exception exception;
        uint64_t n;
        size_t order;
};

struct groups ARRAY_BODY(struct group);

/* The largest first. */
static int compare_groups(const void *a, const void *b) {
        const struct group *x = a, *y = b;

        return x->n != y->n ? compare_numbers(y->n, x->n) : compare_numbers(x->order, y->order);
}

static void add_exception(struct tune *tune, struct tune_policy *policy, const struct tune_exception *exception) {
        struct tune_exception *e;
        uint64_t n = 0;

        for (size_t i = policy->first; i < policy->first + policy->n; i++) {
                const struct tune_item *item = tune->items.items + i;

                n += item->hidden_by == SIZE_MAX && hides(exception, item) ? item->n : 0;
        }
        if (n < tune->min_alerts)
                return;
        if (policy->n_exceptions == TUNE_MAX_EXCEPTIONS) {
                policy->more = true;
                return;
        }
        e = policy->exceptions + policy->n_exceptions;
        *e = *exception;
        e->n_hidden = n;
        policy->n_hidden += n;
        for (size_t i = policy->first; i < policy->first + policy->n; i++) {
                struct tune_item *item = tune->items.items + i;

                if (item->hidden_by == SIZE_MAX && hides(e, item))
                        item->hidden_by = policy->n_exceptions;
        }
        policy->n_exceptions++;
}

/* 1 if there is an exception for all of these, 0 if not. */
static int push_group(struct tune *tune, const struct tune_exception *exception, struct tune_item *const *members,
                      size_t n, struct groups *groups) {
        struct group group = {.exception = *exception, .order = SIZE_MAX};
        int r;

        for (size_t i = 0; i < n; i++) {
                group.n += members[i]->n;
                group.order = MIN(group.order, members[i]->order);
        }
        if (group.n < tune->min_alerts || !find_values(members, n, &group.exception) ||
            (members[0]->file && !find_files(members, n, &group.exception)) || !is_narrow(&group.exception))
                return 0;
        r = array_push(groups, group);
        return r < 0 ? r : 1;
}

/* Members that agree: an exception for all, or for the files of each directory. */
static int push_parts(struct tune *tune, const struct tune_exception *exception, struct tune_item **members, size_t n,
                      struct groups *groups) {
        int r = push_group(tune, exception, members, n, groups);

        if (r != 0 || !members[0]->file)
                return r;
        qsort(members, n, sizeof(*members), compare_files);
        for (size_t begin = 0, end; begin < n; begin = end) {
                const char *file = members[begin]->file;
                size_t length = tune_directory_of(file, of_service(exception));

                for (end = begin + 1; end < n; end++)
                        if (length > 0 ? strncmp(members[end]->file, file, length) != 0 : members[end]->file != file)
                                break;
                r = push_group(tune, exception, members + begin, end - begin, groups);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* The exceptions of one level, from what those before it left. `members` has room for all alerts of the policy. */
static int propose_level(struct tune *tune, struct tune_policy *policy, const struct level *level,
                         struct tune_item **members) {
        unsigned traits = level->traits;
        unsigned known = traits | (level->varied == _TUNE_TRAIT_MAX ? 0 : 1U << level->varied);
        struct groups groups = {};
        size_t n = 0, end;
        int r = 0;

        for (size_t i = policy->first; i < policy->first + policy->n; i++) {
                struct tune_item *item = tune->items.items + i;

                if (item->hidden_by == SIZE_MAX && !item->barred && has_traits(item, known))
                        members[n++] = item;
        }
        if (n > 0)
                qsort_r(members, n, sizeof(*members), compare_members, &traits);

        for (size_t begin = 0; begin < n && r >= 0; begin = end) {
                struct tune_exception exception = {.varied = level->varied};

                for (end = begin; end < n && compare_kin(members[begin], members[end], traits) == 0;)
                        end++;
                for (int i = 0; i < _TUNE_TRAIT_MAX; i++)
                        exception.traits[i] = traits & (1U << i) ? members[begin]->traits[i] : NULL;
                r = push_parts(tune, &exception, members + begin, end - begin, &groups);
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
        const struct tune_item *x = a, *y = b;
        int r = x->policy == y->policy ? 0 : strcmp(x->policy, y->policy);

        return r != 0 ? r : compare_numbers(x->order, y->order);
}

int tune_propose(struct tune *tune, struct tune_policy **ret, size_t *ret_n) {
        _cleanup_(freep) struct tune_item **members = NULL;
        int r = 0;

        assert(tune && ret && ret_n && tune->policies.n == 0);

        if (tune->items.n > 0)
                qsort(tune->items.items, tune->items.n, sizeof(*tune->items.items), compare_items);
        members = calloc(MAX(tune->items.n, (size_t)1), sizeof(*members));
        if (!members)
                return -ENOMEM;
        for (size_t i = 0; i < tune->items.n; i++) {
                const struct tune_item *item = tune->items.items + i;
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
