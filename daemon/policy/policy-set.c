/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy-set.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/array.h"
#include "base/strbuf.h"
#include "policy/parser.h"
#include "policy/policy-files.h"
#include "policy/sema.h"
#include "policy/source.h"

/* Trees are some ten times as large as their text; nobody's policies come near this. */
#define POLICY_ARENA_BYTES ((size_t)256 << 20)

struct policy_set *policy_set_free(struct policy_set *set) {
        if (!set)
                return NULL;
        if (set->arena)
                arena_done(set->arena);
        free(set->arena);
        free(set);
        return NULL;
}

static int policy_set_new(struct policy_set **ret) {
        _cleanup_(policy_set_freep) struct policy_set *set = NULL;

        set = calloc(1, sizeof(*set));
        if (!set)
                return -ENOMEM;
        set->arena = calloc(1, sizeof(*set->arena));
        if (!set->arena)
                return -ENOMEM;
        arena_init(set->arena, POLICY_ARENA_BYTES);

        *ret = TAKE_PTR(set);
        return 0;
}

const char *policy_origin_state_to_string(enum policy_origin_state state) {
        switch (state) {
        case POLICY_ORIGIN_USED: return "used";
        case POLICY_ORIGIN_MASKED: return "masked";
        case POLICY_ORIGIN_OFF: return "off";
        case POLICY_ORIGIN_IDLE: return "idle";
        }
        return NULL;
}

static int origin_compare(const void *x, const void *y) {
        const struct policy_origin *a = *(struct policy_origin *const *)x, *b = *(struct policy_origin *const *)y;

        return strcmp(a->name, b->name);
}

/* Drop-ins that have something to extend, by name: their own order, whichever place they are from. */
static int sort_drop_ins(struct policy_set *set, struct policy_origin ***ret, size_t *ret_n) {
        struct policy_origin **all;
        size_t n = 0, i = 0;

        for (struct policy_origin *o = set->origins; o; o = o->next)
                n += o->drop_in && o->source && o->state == POLICY_ORIGIN_USED;
        all = arena_new_array(set->arena, struct policy_origin *, MAX(n, (size_t)1));
        if (!all)
                return -ENOMEM;
        for (struct policy_origin *o = set->origins; o; o = o->next)
                if (o->drop_in && o->source && o->state == POLICY_ORIGIN_USED)
                        all[i++] = o;
        if (n > 1)
                qsort(all, n, sizeof(*all), origin_compare);
        *ret = all;
        *ret_n = n;
        return 0;
}

/* All files are there, and none is opened from here on: what do they say? */
static int policy_set_look(struct policy_set *set, const struct policy_options *options, struct diag_set *diags) {
        struct file_node **end = &set->files, *file;
        uint64_t before = diags->n_errors;
        struct policy_origin **drop_ins;
        size_t n_drop_ins;
        int r;

        if (options->on_read) {
                r = options->on_read(options->userdata);
                if (r < 0)
                        return r;
        }

        for (struct policy_origin *o = set->origins; o; o = o->next) {
                if (o->drop_in || !o->source || o->state != POLICY_ORIGIN_USED)
                        continue;
                r = parser_parse(o->source, set->arena, diags, &file);
                if (r < 0)
                        return r;
                o->file = *end = file;
                end = &file->next;
                set->n_files++;
        }

        r = sort_drop_ins(set, &drop_ins, &n_drop_ins);
        if (r < 0)
                return r;
        for (size_t i = 0; i < n_drop_ins; i++) {
                if (!drop_ins[i]->extends->file)
                        continue;       /* it could not be read, which has been told */
                r = parser_parse_drop_in(drop_ins[i]->source, set->arena, diags, drop_ins[i]->extends->file, &file);
                if (r < 0)
                        return r;
                drop_ins[i]->file = *end = file;
                end = &file->next;
                set->n_files++;
        }

        r = sema_check(set, options, diags);
        if (r == -ENOMEM)
                return r;
        return diags->n_errors > before ? -EBADMSG : 0;
}

static int report_no_memory(struct diag_set *diags, const struct policy_set *set) {
        /* The arena has a limit, and that one is somebody's text's fault. */
        if (set && set->arena->limit_bytes > 0 && set->arena->used_bytes > set->arena->limit_bytes / 2)
                return diag_error(diags, (struct diag_span){},
                                  "the policies are too large: they take more than %zu MiB",
                                  set->arena->limit_bytes >> 20);
        return -ENOMEM;
}

static const struct policy_options no_options;

int policy_set_load(const char *const *paths, size_t n_paths, const struct policy_options *options,
                    struct diag_set *diags, struct policy_set **ret) {
        _cleanup_(policy_set_freep) struct policy_set *set = NULL;
        _cleanup_(diag_set_done) struct diag_set unwanted = {};
        struct policy_files files = {};
        uint64_t errors_before;
        int r;

        assert((paths || n_paths == 0) && ret);

        diag_set_init(&unwanted, 1);
        diags = diags ? diags : &unwanted;
        options = options ? options : &no_options;
        errors_before = diags->n_errors;

        r = policy_set_new(&set);
        if (r < 0)
                return r;

        r = policy_files_read(paths, n_paths, options, set->arena, diags, &files);
        set->origins = files.origins;
        set->n_masked = files.n_masked;
        if (r >= 0 && files.n_texts > 0)
                r = policy_set_look(set, options, diags);
        if (r >= 0 && diags->n_errors > errors_before)
                r = -EBADMSG;           /* something could not be read */
        if (r == -ENOMEM)
                return report_no_memory(diags, set);
        if (r < 0 && r != -EBADMSG)
                return r;

        if (set->n_files == 0) {
                if (files.first_error == 0)
                        diag_error(diags, (struct diag_span){.file = n_paths > 0 ? paths[0] : NULL},
                                   "no policies here%s", n_paths > 1 ? ", nor in the other places" : "");
                return files.first_error < 0 ? files.first_error : -ENOENT;
        }
        if (r >= 0 && set->n_paths == 0) {
                diag_error(diags, (struct diag_span){.file = set->files->source->name},
                           "no path in it: nothing would be watched");
                r = -EBADMSG;
        }

        *ret = TAKE_PTR(set);
        return r;
}

int policy_set_parse_texts(const struct policy_text *texts, size_t n, const struct policy_options *options,
                           struct diag_set *diags, struct policy_set **ret) {
        _cleanup_(policy_set_freep) struct policy_set *set = NULL;
        _cleanup_(diag_set_done) struct diag_set unwanted = {};
        struct policy_origin **end, *base = NULL;
        int r;

        assert((texts || n == 0) && ret);

        diag_set_init(&unwanted, 1);
        diags = diags ? diags : &unwanted;

        r = policy_set_new(&set);
        if (r < 0)
                return r;

        end = &set->origins;
        for (size_t i = 0; i < n && r >= 0; i++) {
                struct policy_origin *origin = arena_new(set->arena, struct policy_origin);

                assert(texts[i].name && (texts[i].text || texts[i].length == 0));
                if (!origin)
                        return -ENOMEM;
                origin->drop_in = texts[i].drop_in && base;
                if (origin->drop_in)
                        origin->extends = base;
                else
                        base = origin;
                *end = origin;
                end = &origin->next;
                origin->path = origin->name = arena_strdup(set->arena, texts[i].name);
                r = origin->path ? source_new(set->arena, origin->path, texts[i].text, texts[i].length, &origin->source)
                                 : -ENOMEM;
                if (r < 0 && r != -ENOMEM)
                        diag_error(diags, (struct diag_span){.file = texts[i].name}, "too large");
        }
        if (r >= 0)
                r = policy_set_look(set, options ? options : &no_options, diags);
        if (r == -ENOMEM)
                return report_no_memory(diags, set);
        if (r < 0 && r != -EBADMSG)
                return r;

        *ret = TAKE_PTR(set);
        return r;
}

int policy_set_parse(const char *name, const char *text, size_t length, const struct policy_options *options,
                     struct diag_set *diags, struct policy_set **ret) {
        const struct policy_text texts[] = {{.name = name, .text = text, .length = length}};

        return policy_set_parse_texts(texts, 1, options, diags, ret);
}

int policy_set_put_diags(const struct policy_set *set, struct diag_set *diags, struct strbuf *b) {
        _cleanup_(freep) struct diag_source *sources = NULL;
        size_t n = 0;

        if (set && set->n_files > 0) {
                sources = calloc(set->n_files, sizeof(*sources));
                if (!sources)
                        return -ENOMEM;
                for (const struct file_node *f = set->files; f; f = f->next)
                        sources[n++] = (struct diag_source){
                                .file = f->source->name, .text = f->source->text, .n = f->source->length};
        }

        diag_set_sort(diags);
        diag_set_put_text(diags, sources, n, b);
        return 0;
}
