/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/sema.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "policy/sema-private.h"

bool sema_no_memory(struct sema *s) {
        s->error = -ENOMEM;
        return false;
}

static bool is_told(const struct sema *s, struct diag_span span) {
        ARRAY_FOREACH(d, &s->diags->list)
                if (d->severity == DIAG_ERROR && d->span.offset == span.offset && d->span.line == span.line &&
                    d->span.file && streq(d->span.file, span.file))
                        return true;
        return false;
}

bool sema_error(struct sema *s, struct diag_span span, const char *fmt, ...) {
        va_list ap;

        if (s->in_shared && is_told(s, span)) {
                s->diags->last_dropped = true;  /* nor is its hint told again */
                return false;
        }

        va_start(ap, fmt);
        diag_vreport(s->diags, DIAG_ERROR, span, fmt, ap);
        va_end(ap);

        /* An item of a list somewhere else: wrong only because of what it is compared with. */
        if (s->compared.line > 0 && (!streq(span.file, s->compared.file) || span.offset < s->compared.offset ||
                                     span.offset > s->compared.offset + s->compared.length))
                diag_related(s->diags, s->compared, "compared here");
        else if (s->copied_to.line > 0)
                diag_related(s->diags, s->copied_to, "the macro is used here");
        return false;
}

const char *sema_closest(const struct sema *s, struct text name, const char *const *names, size_t n) {
        if (name.length > SEMA_MAX_NAME || s->diags->n_dropped > 0)
                return NULL;
        return diag_closest_n(name.bytes, name.length, names, n);
}

static void check_name(struct sema *s, const struct path_node *path) {
        struct text name = path->name;

        if (name.length == 0 && !path->broken)
                sema_error(s, path->name_span, "a path needs a name: alerts are called after it");
        if (name.length > SEMA_MAX_NAME)
                sema_error(s, path->name_span, "this name is too long: more than %d bytes", SEMA_MAX_NAME);

        for (size_t i = 0, n; i < name.length; i += n) {
                uint32_t c;

                n = utf8_decode(name.bytes + i, name.length - i, &c);
                if (n == 0 || !utf8_is_showable(c)) {
                        sema_error(s, path->name_span, "the name of a path holds only what can be shown");
                        return;
                }
        }
}

struct ordered {
        struct path_node *path;
        size_t order;                   /* in which it was read */
};

static int ordered_compare(const void *x, const void *y) {
        const struct ordered *a = x, *b = y;
        struct text s = a->path->name, t = b->path->name;
        int r = memcmp(s.bytes, t.bytes, MIN(s.length, t.length));

        if (r == 0)
                r = (s.length > t.length) - (s.length < t.length);
        return r != 0 ? r : (a->order > b->order) - (a->order < b->order);
}

/* All paths of all files by name. Of the trees of the files only this list is left: `next` is one member. */
static bool sort_paths(struct sema *s, struct ordered **ret, size_t *ret_n) {
        struct ordered *all;
        size_t n = 0, i = 0;

        for (const struct file_node *f = s->set->files; f; f = f->next)
                for (const struct path_node *p = f->paths; p; p = p->next)
                        n++;
        all = arena_new_array(s->arena, struct ordered, MAX(n, (size_t)1));
        if (!all)
                return sema_no_memory(s);
        for (const struct file_node *f = s->set->files; f; f = f->next)
                for (struct path_node *p = f->paths; p; p = p->next, i++)
                        all[i] = (struct ordered){.path = p, .order = i};
        qsort(all, n, sizeof(*all), ordered_compare);

        *ret = all;
        *ret_n = n;
        return true;
}

static void check_duplicates(struct sema *s, const struct ordered *all, size_t n) {
        for (size_t i = 1; i < n; i++) {
                const struct path_node *first = all[i - 1].path, *second = all[i].path;

                if (second->name.length == 0 || !text_equal(first->name, second->name))
                        continue;
                sema_error(s, second->name_span, "a second path \"%.*s\"", TEXT_ARGS(second->name));
                diag_related(s->diags, first->name_span, "the first is here");
        }
}

int sema_check(struct policy_set *set, const struct policy_options *options, struct diag_set *diags) {
        struct policy_options defaults = options ? *options : (struct policy_options){};
        struct sema s = {.set = set, .options = &defaults, .arena = set->arena, .diags = diags};
        struct ordered *all = NULL;
        size_t n = 0;
        uint64_t before = diags ? diags->n_errors : 0;

        assert(set);

        if (defaults.default_within_ns == 0)
                defaults.default_within_ns = SEMA_DEFAULT_WITHIN_NS;
        if (defaults.default_suppress_ns == 0)
                defaults.default_suppress_ns = SEMA_DEFAULT_SUPPRESS_NS;

        for (const struct file_node *f = set->files; f; f = f->next)
                s.broken = s.broken || f->broken;

        if (!sema_collect_lists(&s) || !sema_join_lists(&s) || !sema_collect_macros(&s) || !sema_join_macros(&s))
                return s.error;
        if (!sema_extend(&s))
                return s.error;
        sema_check_lists(&s);
        sema_check_macros(&s);

        for (const struct file_node *f = set->files; f && s.error >= 0; f = f->next)
                for (struct path_node *p = f->paths; p && s.error >= 0; p = p->next) {
                        s.path = p;
                        check_name(&s, p);
                        sema_check_properties(&s, p);
                        sema_check_path(&s, p);
                }
        if (s.error < 0 || !sort_paths(&s, &all, &n))
                return s.error;
        check_duplicates(&s, all, n);
        if (n > PROGRAM_MAX_PATHS)
                sema_error(&s, all[n - 1].path->name_span, "too many paths: %zu, at most %d", n, PROGRAM_MAX_PATHS);

        set->n_paths = n;
        set->paths = n > 0 ? all[0].path : NULL;
        for (size_t i = 0; i < n; i++)
                all[i].path->next = i + 1 < n ? all[i + 1].path : NULL;
        for (struct file_node *f = set->files; f; f = f->next)
                f->paths = NULL;

        return !diags || diags->n_errors == before ? 0 : -EBADMSG;
}
