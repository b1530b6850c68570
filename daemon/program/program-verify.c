/* SPDX-License-Identifier: Apache-2.0 */
#include "program/program-verify.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/macro.h"
#include "program/matcher.h"
#include "program/program-verify-private.h"

static void verifier_done(struct verifier *v) {
        free(v->condition_slots);
        free(v->condition_marks);
        free(v->condition_nodes);
        free(v->decided);
        free(v->filed);
}

bool verifier_range(struct verifier *v, struct program_range range, uint64_t n) {
        if (range.first > n || range.n > n - range.first || range.n > v->work_left)
                return false;
        v->work_left -= range.n;
        return true;
}

bool verifier_next_range(struct program_range range, uint64_t *next, uint64_t n) {
        if (range.first != *next || range.n > n - *next)
                return false;
        *next += range.n;
        return true;
}

bool verifier_string(struct verifier *v, struct program_string string) {
        uint32_t n = v->p->header->bytes.n;

        return string.offset < n && string.length < n - string.offset &&
               v->p->bytes[string.offset + string.length] == 0;
}

bool verifier_strings(struct verifier *v, struct program_range range) {
        if (!verifier_range(v, range, v->p->n_texts))
                return false;
        for (uint32_t i = 0; i < range.n; i++)
                if (!verifier_string(v, v->p->texts[range.first + i]))
                        return false;
        return true;
}

int verifier_compare(struct verifier *v, struct program_string a, struct program_string b) {
        size_t n = MIN(a.length, b.length);
        int order = n > 0 ? memcmp(program_text(v->p, a), program_text(v->p, b), n) : 0;

        return order != 0 ? order : (a.length > b.length) - (a.length < b.length);
}

bool verifier_field(uint16_t field, uint8_t subject, int16_t index) {
        const struct field_info *info = schema_field((enum field)field);

        if (!info || subject >= _SUBJECT_MAX)
                return false;
        if ((info->scope == FIELD_PROCESS) != (subject != SUBJECT_EVENT))
                return false;
        return info->type == VALUE_LIST ? index >= INDEX_ANY : index == INDEX_NONE;
}

static bool verify_header(struct verifier *v) {
        const struct interest *interest = &v->p->header->interest;
        uint8_t namespaces;

        CHECK(v, (interest->kinds & wire_kind_bit(WIRE_NONE)) == 0, "kinds of interest");
        CHECK(v, interest->content_bytes <= WIRE_MAX_CONTENT, "bytes of content");
        memcpy(&namespaces, &interest->namespaces, 1);
        CHECK(v, namespaces <= 1, "namespaces");
        CHECK(v, interest->n_env <= INTEREST_MAX_ENV, "number of variables");
        for (unsigned kind = 0; kind < _WIRE_KIND_MAX; kind++) {
                uint8_t flags[3];

                memcpy(&flags[0], &interest->filter[kind].failures, 1);
                memcpy(&flags[1], &interest->filter[kind].successes, 1);
                memcpy(&flags[2], &interest->filter[kind].content, 1);
                CHECK(v, flags[0] <= 1 && flags[1] <= 1 && flags[2] <= 1, "filter of a kind");
                CHECK(v, interest->filter[kind].flags_any == 0 || interest_flags((enum wire_kind)kind) != FIELD_NONE,
                      "bits of a kind");
        }
        for (uint32_t i = 0; i < interest->n_env; i++) {
                const char *name = interest->env[i];

                CHECK(v, name[0] && memchr(name, 0, INTEREST_MAX_ENV_NAME) && !strchr(name, '='), "name of a variable");
        }
        return true;
}

static bool verify_matcher(struct verifier *v, const struct matcher_ref *matcher) {
        CHECK(v, verifier_field(matcher->field, matcher->subject, matcher->index), "field of a matcher");
        CHECK(v, verifier_range(v, matcher->predicates, v->p->n_matched), "predicates of a matcher");
        CHECK(v, verifier_string(v, matcher->table) && matcher->table.offset % 8 == 0, "table of a matcher");

        for (uint32_t i = 0; i < matcher->predicates.n; i++) {
                uint32_t k = v->p->matched[matcher->predicates.first + i].value;
                const struct predicate *predicate;

                CHECK(v, k < v->p->n_predicates, "predicate of a matcher");
                predicate = &v->p->predicates[k];
                CHECK(v, predicate->op >= PREDICATE_STRING && predicate->op <= PREDICATE_IN_GLOBS,
                      "predicate that no matcher decides");
                CHECK(v,
                      predicate->field == matcher->field && predicate->subject == matcher->subject &&
                              predicate->index == matcher->index,
                      "predicate of another field");
                CHECK(v, v->decided[k] == 0, "predicate of two matchers");
                v->decided[k] = matcher->kinds;
        }
        CHECK(v, matcher_verify(program_text(v->p, matcher->table), matcher->table.length, matcher->predicates.n),
              "inside of a matcher");
        return true;
}

/* A list of first steps, each of one of these kinds: tried for every event of the kind, or for those of which a
 * predicate is true. */
static bool verify_starts(struct verifier *v, struct program_range range, enum filed how, uint64_t kinds) {
        const struct start *before = NULL;

        CHECK(v, range.n == 0 || verifier_next_range(range, &v->next_start, v->p->n_starts), "first steps");
        for (uint32_t i = 0; i < range.n; i++) {
                const struct start *start = &v->p->starts[range.first + i];
                const struct path *path;
                struct program_range edges;

                CHECK(v, start->path < v->p->n_paths, "path of a first step");
                path = &v->p->paths[start->path];
                edges = v->p->positions[path->positions.first].edges;
                CHECK(v, start->edge >= edges.first && start->edge - edges.first < edges.n, "edge of a first step");
                CHECK(v, (kinds >> v->p->edges[start->edge].kind) & 1, "kind of a first step");
                CHECK(v, v->filed[start->edge] == FILED_NOT || (v->filed[start->edge] == how && how == FILED_PREDICATE),
                      "first step that is filed twice");
                CHECK(v,
                      !before || before->path < start->path ||
                              (before->path == start->path && before->edge < start->edge),
                      "order of first steps");
                v->filed[start->edge] = how;
                before = start;
        }
        return true;
}

static bool verify_dispatch(struct verifier *v) {
        for (unsigned kind = 0; kind < _WIRE_KIND_MAX; kind++)
                if (!verify_starts(v, v->p->header->kind_starts[kind], FILED_KIND, wire_kind_bit(kind)))
                        return false;
        for (uint32_t i = 0; i < v->p->n_predicates; i++)
                if (!verify_starts(v, v->p->predicate_starts[i], FILED_PREDICATE, v->decided[i]))
                        return false;
        CHECK(v, v->next_start == v->p->n_starts, "first steps of nobody");

        for (uint32_t i = 0; i < v->p->n_paths; i++) {
                struct program_range edges = v->p->positions[v->p->paths[i].positions.first].edges;

                for (uint32_t k = 0; k < edges.n; k++)
                        CHECK(v, v->filed[edges.first + k], "first step that is not filed");
        }
        return true;
}

#define VERIFY_ALL(v, section, check)                                                                                  \
        for (uint32_t i = 0; i < (v)->p->n_##section; i++)                                                             \
                if (!(check))                                                                                          \
                        return false;

static bool verify_sections(struct verifier *v) {
        const struct program *p = v->p;

        if (!verify_header(v))
                return false;

        for (uint32_t i = 0; i < p->n_regexes; i++)
                CHECK(v, verifier_string(v, p->regexes[i].pattern) && verifier_string(v, p->regexes[i].literal) &&
                              *(const uint8_t *)&p->regexes[i].caseless <= 1,
                      "text of a regex");
        VERIFY_ALL(v, networks, verifier_network(v, &p->networks[i]));
        VERIFY_ALL(v, predicates, verifier_predicate(v, &p->predicates[i]));
        VERIFY_ALL(v, guards, verifier_guard(v, &p->guards[i]));
        VERIFY_ALL(v, conditions, verifier_condition(v, i));
        CHECK(v, v->next_child == p->n_children, "children of nobody");
        VERIFY_ALL(v, steps, verifier_step(v, &p->steps[i]));
        VERIFY_ALL(v, blocks, verifier_block(v, i));

        CHECK(v, p->n_paths <= PROGRAM_MAX_PATHS, "number of paths");
        VERIFY_ALL(v, paths, verifier_path(v, &p->paths[i], i > 0 ? &p->paths[i - 1] : NULL));
        CHECK(v, v->next_position == p->n_positions, "positions of nobody");
        CHECK(v, v->next_edge == p->n_edges, "edges of nobody");
        CHECK(v, v->next_exception == p->n_exceptions, "exceptions of nobody");
        CHECK(v, v->next_until == p->n_untils && v->next_repeat == p->n_repeats && v->next_absence == p->n_absences,
              "untils, repeats or absences of nobody");

        VERIFY_ALL(v, matchers, verify_matcher(v, &p->matchers[i]));
        return verify_dispatch(v);
}

int program_verify(const struct program *view, const char **ret_where) {
        _cleanup_(verifier_done) struct verifier v = {.p = view};

        /* No range of a program that the compiler made is looked at twice. */
        v.work_left = view->header->size;
        v.condition_slots = calloc(view->n_conditions + 1, sizeof(*v.condition_slots));
        v.condition_marks = calloc(view->n_conditions + 1, sizeof(*v.condition_marks));
        v.condition_nodes = calloc(view->n_conditions + 1, sizeof(*v.condition_nodes));
        v.decided = calloc(view->n_predicates + 1, sizeof(*v.decided));
        v.filed = calloc(view->n_edges + 1, sizeof(*v.filed));
        if (!v.condition_slots || !v.condition_marks || !v.condition_nodes || !v.decided || !v.filed)
                return -ENOMEM;

        if (verify_sections(&v))
                return 0;

        *ret_where = v.where;
        return -EBADMSG;
}

/* Sections follow each other without a gap, so that a program has one form only. */
static bool section_at(size_t *at, struct program_range range, size_t record_size, size_t size) {
        if (range.first != *at || range.n > (size - *at) / record_size)
                return false;
        *at += ALIGN_UP(range.n * record_size, (size_t)8);
        return *at <= size;
}

int program_view(const void *data, size_t size, struct program *view, const char **ret_where) {
        const struct program_header *header = data;
        size_t at = sizeof(*header);

        assert((uintptr_t)data % 8 == 0);

        *ret_where = "header";
        if (size < sizeof(*header) || size > PROGRAM_MAX_BYTES ||
            memcmp(header->magic, PROGRAM_MAGIC, sizeof(header->magic)) != 0)
                return -EBADMSG;
        *ret_where = "version";
        if (header->version != PROGRAM_VERSION || header->fingerprint != program_schema_fingerprint())
                return -EPROTO;
        *ret_where = "size";
        if (header->size != size || size % 8 != 0)
                return -EBADMSG;

        view->size = size;
        view->header = header;
#define S(type, name)                                                                                                  \
        *ret_where = "section " #name;                                                                                 \
        view->name = (const struct type *)((const char *)data + at);                                                   \
        view->n_##name = header->name.n;                                                                               \
        if (!section_at(&at, header->name, sizeof(struct type), size))                                                 \
                return -EBADMSG;
        PROGRAM_SECTIONS(S)
#undef S
        *ret_where = "section predicate_starts";
        view->predicate_starts = (const struct program_range *)((const char *)data + at);
        if (header->predicate_starts.n != view->n_predicates ||
            !section_at(&at, header->predicate_starts, sizeof(struct program_range), size))
                return -EBADMSG;

        *ret_where = "section bytes";
        view->bytes = (const char *)data + at;
        if (!section_at(&at, header->bytes, 1, size) || at != size)
                return -EBADMSG;
        return 0;
}
