/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/group-filter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "event/cgroup-path.h"

static const enum prefilter_dimension dimensions[] = {
        PREFILTER_IN_UNIT, PREFILTER_IN_CONTAINER, PREFILTER_IN_CGROUP,
};

struct group_filter {
        struct prefilter_texts texts;
        struct prefilter_bytes bytes;
        uint64_t any[ELEMENTSOF(dimensions)][GROUP_FILTER_KINDS];       /* uses that do not look there */
};

bool group_filter_looks(enum prefilter_dimension dimension) {
        for (size_t i = 0; i < ELEMENTSOF(dimensions); i++)
                if (dimensions[i] == dimension)
                        return true;
        return false;
}

struct group_filter *group_filter_free(struct group_filter *filter) {
        if (!filter)
                return NULL;
        array_done(&filter->texts);
        array_done(&filter->bytes);
        free(filter);
        return NULL;
}

/* Returns whether any use looks at cgroups. */
static bool take_kinds(struct group_filter *filter, const struct prefilter *prefilter) {
        bool any = false;

        for (size_t i = 0; i < ELEMENTSOF(dimensions); i++)
                for (size_t kind = 0; kind < GROUP_FILTER_KINDS; kind++) {
                        bool looks = prefilter->kinds[kind].fields[dimensions[i]] != FIELD_NONE;

                        filter->any[i][kind] = looks ? prefilter->kinds[kind].any[dimensions[i]] : UINT64_MAX;
                        any |= looks;
                }
        return any;
}

static int take_texts(struct group_filter *filter, const struct prefilter *prefilter) {
        int r = 0;

        ARRAY_FOREACH(text, &prefilter->texts) {
                struct prefilter_text own = *text;

                if (!group_filter_looks((enum prefilter_dimension)text->dimension) || text->kind >= GROUP_FILTER_KINDS)
                        continue;
                own.offset = filter->bytes.n;
                for (uint32_t i = 0; i < own.length && r >= 0; i++)
                        r = array_push(&filter->bytes, prefilter->bytes.items[text->offset + i]);
                r = r < 0 ? r : array_push(&filter->texts, own);
        }
        return r;
}

int group_filter_new(const struct prefilter *prefilter, struct group_filter **ret) {
        _cleanup_(group_filter_freep) struct group_filter *filter = calloc(1, sizeof(*filter));

        *ret = NULL;
        if (!filter)
                return -ENOMEM;
        if (!take_kinds(filter, prefilter))
                return 0;
        if (take_texts(filter, prefilter) < 0)
                return -ENOMEM;
        *ret = TAKE_PTR(filter);
        return 0;
}

/* A name that the path has, if it is known. */
struct name {
        const char *text;
        size_t length;
        bool known;
};

static bool matches(const struct group_filter *filter, const struct prefilter_text *text, const struct name *name) {
        size_t from = text->place == PREFILTER_BACK ? name->length - text->length : 0;

        if (name->length < text->length || (text->place == PREFILTER_WHOLE && name->length != text->length))
                return false;
        return text->length == 0 ||
                memcmp(name->text + from, filter->bytes.items + text->offset, text->length) == 0;
}

void group_filter_uses(const struct group_filter *filter, const char *path, size_t length, bool cut,
                       uint64_t ret[static GROUP_FILTER_KINDS]) {
        char container[CGROUP_NAME_MAX];
        struct name names[ELEMENTSOF(dimensions)];
        struct cgroup_parts parts;

        cgroup_parse(path, length, cut, &parts, container);
        names[0] = (struct name){path + parts.unit.offset, parts.unit.length, parts.has_unit};
        names[1] = (struct name){container + parts.container.offset, parts.container.length, parts.has_container};
        names[2] = (struct name){path, length, !cut};

        memset(ret, 0xff, GROUP_FILTER_KINDS * sizeof(*ret));
        for (size_t i = 0; i < ELEMENTSOF(dimensions); i++) {
                uint64_t uses[GROUP_FILTER_KINDS];

                if (!names[i].known)
                        continue;
                memcpy(uses, filter->any[i], sizeof(uses));
                ARRAY_FOREACH(text, &filter->texts)
                        if (text->dimension == dimensions[i] && matches(filter, text, &names[i]))
                                uses[text->kind] |= text->uses;
                for (size_t kind = 0; kind < GROUP_FILTER_KINDS; kind++)
                        ret[kind] &= uses[kind];
        }
}
