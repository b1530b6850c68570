/* SPDX-License-Identifier: Apache-2.0 */
/* Drop-ins: what they say of the paths of another file becomes part of these, before anything is looked up. */
#include <string.h>

#include "policy/parser.h"
#include "policy/sema-private.h"

static struct path_node *find_path(const struct file_node *file, struct text name) {
        for (struct path_node *p = file->paths; p; p = p->next)
                if (text_equal(p->name, name))
                        return p;
        return NULL;
}

static void add_exceptions(struct path_node *path, struct exception *more) {
        struct exception **end = path->exceptions_end ?: &path->exceptions;

        while (*end)
                end = &(*end)->next;
        *end = more;
        path->exceptions_end = end;
}

/* What a later one says of the same step stands. */
static void add_responses(struct sema *s, struct path_node *path, struct step_response *more) {
        for (struct step_response *r = more, *next; r; r = next) {
                struct step_response **at = &path->responses;
                size_t n = 0;

                next = r->next;
                while (*at && ((*at)->number != r->number || (*at)->span.file == r->span.file)) {
                        at = &(*at)->next;
                        n++;
                }
                if (n >= PARSER_MAX_ELEMENTS) {
                        sema_error(s, r->span, "too many steps respond: more than %d", PARSER_MAX_ELEMENTS);
                        return;
                }
                r->next = *at ? (*at)->next : NULL;
                *at = r;
        }
}

static void extend_path(struct sema *s, struct path_node *path, struct path_node *extension) {
        if (extension->severity_given)
                path->severity = extension->severity;
        if (extension->on_loss_given)
                path->on_loss = extension->on_loss;
        if (extension->enforce_given) {
                path->enforce = extension->enforce;
                path->enforce_span = extension->enforce_span;
        }
        if (extension->respond_given)
                path->respond = extension->respond;
        if (extension->suppress_given) {
                path->suppress_given = true;
                path->suppress_ns = extension->suppress_ns;
        }
        if (extension->within_given) {
                path->within_given = true;
                path->within_ns = extension->within_ns;
                path->within_span = extension->within_span;
        }
        add_exceptions(path, extension->exceptions);
        add_responses(s, path, extension->responses);
}

static void report_no_path(struct sema *s, const struct file_node *file, const struct path_node *extension) {
        const char *names[256];
        size_t n = 0;

        if (file->extends->broken || extension->name.length == 0)
                return;
        sema_error(s, extension->name_span, "there is no path \"%.*s\" in '%s', which this extends",
                   TEXT_ARGS(extension->name), file->extends->source->name);
        for (const struct path_node *p = file->extends->paths; p && n < ELEMENTSOF(names); p = p->next)
                if (p->name.length > 0)
                        names[n++] = p->name.bytes;
        diag_did_you_mean(s->diags, sema_closest(s, extension->name, names, n));
}

/* An exception at top level belongs to every path, and each has its own copy of it: what a field means depends on the
 * path's kinds. */
static bool copy_exceptions(struct sema *s, const struct file_node *file) {
        for (struct path_node *p = file->extends->paths; p; p = p->next)
                for (const struct exception *x = file->exceptions; x; x = x->next) {
                        struct exception *copy = arena_memdup(s->arena, x, sizeof(*x));

                        if (!copy)
                                return sema_no_memory(s);
                        copy->next = NULL;
                        copy->shared = true;
                        if (x->condition) {
                                copy->condition = sema_copy_expr(s, x->condition);
                                if (s->error < 0)
                                        return false;
                                if (!copy->condition) {
                                        sema_error(s, x->span, "the macros and drop-ins are too large: more than %u "
                                                               "conditions in all",
                                                   SEMA_MAX_COPIES);
                                        return true;
                                }
                        }
                        add_exceptions(p, copy);
                }
        return true;
}

bool sema_extend(struct sema *s) {
        for (struct file_node *f = s->set->files; f; f = f->next) {
                if (!f->extends)
                        continue;
                for (struct path_node *p = f->paths; p; p = p->next) {
                        struct path_node *path = find_path(f->extends, p->name);

                        if (path)
                                extend_path(s, path, p);
                        else
                                report_no_path(s, f, p);
                }
                if (!copy_exceptions(s, f))
                        return false;
                f->paths = NULL;
        }
        return true;
}
