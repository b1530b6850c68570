/* SPDX-License-Identifier: Apache-2.0 */
#include "config/yaml-reader.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <yaml.h>

#include "base/cleanup.h"
#include "base/utf8.h"

#define ANCHORS_MAX 256                 /* of one document */

struct anchor {
        const char *name;               /* arena */
        const struct yaml_node *node;
};

struct reader {
        const struct yaml_rules *rules;
        const char *name;               /* borrowed, for spans */
        const char *text;
        size_t n;
        struct arena *arena;
        struct diag_set *diags;
        yaml_parser_t parser;
        size_t n_nodes;
        struct anchor *anchors;         /* arena; of this document, in order */
        size_t n_anchors;

        /* libyaml counts characters, and has ideas of its own about what ends a line. We count bytes and '\n': this is
         * how far we have counted. */
        size_t at_index, at_offset, at_line_start;
        uint32_t at_line;
};

/* An event is freed on every way out. */
struct event {
        yaml_event_t yaml;
        bool is_there;
};

static void event_done(struct event *event) {
        if (event->is_there)
                yaml_event_delete(&event->yaml);
        event->is_there = false;
}

const char *yaml_type_to_string(enum yaml_type type) {
        switch (type) {
        case YAML_SCALAR: return "a value";
        case YAML_SEQUENCE: return "a list";
        case YAML_MAPPING: return "a section";
        }
        return NULL;
}

/* Count on to the index-th character. Marks come in the order of the text but for a few; then count again. */
static void reader_seek(struct reader *r, size_t index) {
        uint32_t c;

        if (index < r->at_index) {
                r->at_index = r->at_offset = r->at_line_start = 0;
                r->at_line = 1;
        }
        while (r->at_index < index && r->at_offset < r->n) {
                size_t k = utf8_decode(r->text + r->at_offset, r->n - r->at_offset, &c);

                r->at_offset += k > 0 ? k : 1;
                r->at_index++;
                if (k == 1 && c == '\n') {
                        r->at_line++;
                        r->at_line_start = r->at_offset;
                }
        }
}

static struct diag_span reader_span(struct reader *r, const yaml_mark_t *start, const yaml_mark_t *end) {
        struct diag_span span = {.file = r->name};

        reader_seek(r, start->index);
        span.line = r->at_line;
        span.column = r->at_offset - r->at_line_start + 1;
        span.offset = r->at_offset;
        if (end && end->index > start->index) {
                reader_seek(r, end->index);
                span.length = r->at_offset - span.offset;
        }
        return span;
}

/* What is no text at all is not given to the parser: libyaml would also take UTF-16. */
static int reader_check_bytes(struct reader *r) {
        struct diag_span span = {.file = r->name, .line = 1};
        size_t line_start = 0;
        uint32_t c;

        for (size_t i = 0, k; i < r->n; i += k) {
                k = utf8_decode(r->text + i, r->n - i, &c);
                if (k > 0 && (utf8_is_showable(c) || c == '\t' || c == '\n' || c == '\r' ||
                              (r->rules->has_hidden && c >= 0xa0))) {
                        if (c == '\n') {
                                span.line++;
                                line_start = i + 1;
                        }
                        continue;
                }

                span.column = i - line_start + 1;
                span.offset = i;
                span.length = k > 0 ? k : 1;
                if (k == 0)
                        return diag_error(r->diags, span, "the text is not UTF-8");
                return diag_error(r->diags, span, "character U+%04X, which controls, hides or reorders text", c);
        }
        return 0;
}

static int reader_syntax_error(struct reader *r) {
        yaml_parser_t *p = &r->parser;
        const char *problem = p->problem ? p->problem : "cannot be read";

        if (p->error == YAML_MEMORY_ERROR)
                return -ENOMEM;
        if (p->error == YAML_READER_ERROR)
                return diag_error(r->diags, (struct diag_span){.file = r->name}, "%s", problem);

        diag_error(r->diags, reader_span(r, &p->problem_mark, NULL), "%s", problem);
        if (p->context)
                diag_related(r->diags, reader_span(r, &p->context_mark, NULL), "%s", p->context);
        return -EBADMSG;
}

static int reader_next(struct reader *r, struct event *event) {
        event_done(event);
        if (!yaml_parser_parse(&r->parser, &event->yaml))
                return reader_syntax_error(r);
        event->is_there = true;
        return 0;
}

/* The faults that a node can have by itself. They are reported, and the reading goes on. */
static void reader_check_node(struct reader *r, struct diag_span span, bool has_anchor, bool has_tag) {
        if (has_anchor && !r->rules->has_aliases)
                diag_error(r->diags, span, "anchors (&name) are not supported here");
        if (has_tag)
                diag_error(r->diags, span, "tags (!name) are not supported here");
}

static int reader_node(struct reader *r, struct event *event, unsigned depth, struct yaml_node **ret);

static int reader_count(struct reader *r, struct diag_span span, size_t n) {
        size_t max = r->rules->max_nodes;

        if (n > max || r->n_nodes > max - n)
                return diag_error(r->diags, span, "more than %zu values", max);
        r->n_nodes += n;
        return 0;
}

static int reader_new_node(struct reader *r, enum yaml_type type, struct diag_span span, struct yaml_node **ret) {
        struct yaml_node *node = NULL;
        int k;

        k = reader_count(r, span, 1);
        if (k < 0)
                return k;

        node = arena_new(r->arena, struct yaml_node);
        if (!node)
                return -ENOMEM;
        node->type = type;
        node->span = span;
        node->n_nodes = 1;
        *ret = node;
        return 0;
}

/* A node is known by its anchor from its end on, so that nothing can hold itself. Of equal names the last counts. */
static int reader_anchor(struct reader *r, const yaml_char_t *name, const struct yaml_node *node) {
        if (!name || !r->rules->has_aliases)
                return 0;
        if (!r->anchors)
                r->anchors = arena_new_array(r->arena, struct anchor, ANCHORS_MAX);
        if (!r->anchors)
                return -ENOMEM;
        if (r->n_anchors == ANCHORS_MAX)
                return diag_error(r->diags, node->span, "more than %d anchors (&name)", ANCHORS_MAX);

        r->anchors[r->n_anchors].name = arena_strdup(r->arena, (const char *)name);
        if (!r->anchors[r->n_anchors].name)
                return -ENOMEM;
        r->anchors[r->n_anchors++].node = node;
        return 0;
}

static int reader_alias(struct reader *r, const yaml_event_t *e, struct yaml_node **ret) {
        struct diag_span span = reader_span(r, &e->start_mark, &e->end_mark);
        const char *name = (const char *)e->data.alias.anchor;
        struct yaml_node *node;
        int k;

        if (!r->rules->has_aliases) {
                diag_error(r->diags, span, "aliases (*name) are not supported here");
                return 0;
        }
        for (size_t i = r->n_anchors; i > 0; i--) {
                const struct anchor *anchor = &r->anchors[i - 1];

                if (!streq(anchor->name, name))
                        continue;
                k = reader_count(r, span, anchor->node->n_nodes);
                if (k < 0)
                        return k;
                node = arena_memdup(r->arena, anchor->node, sizeof(*node));
                if (!node)
                        return -ENOMEM;
                node->span = span;
                node->key = node->next = NULL;
                *ret = node;
                return 0;
        }
        diag_error(r->diags, span, "nothing before this has the anchor '&%s'", name);
        return 0;
}

static int reader_scalar(struct reader *r, const yaml_event_t *e, struct diag_span span, struct yaml_node **ret) {
        const char *value = (const char *)e->data.scalar.value;
        size_t n = e->data.scalar.length;
        struct yaml_node *node = NULL;
        int k;

        k = reader_new_node(r, YAML_SCALAR, span, &node);
        if (k < 0)
                return k;

        if (memchr(value, 0, n)) {
                diag_error(r->diags, span, "a value cannot hold a NUL character");
                n = strlen(value);
        }
        node->is_plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
        node->n = n;
        node->text = arena_strndup(r->arena, value, n);
        if (!node->text)
                return -ENOMEM;

        *ret = node;
        return 0;
}

static int reader_sequence(struct reader *r, struct event *event, unsigned depth, struct yaml_node *sequence) {
        struct yaml_node **tail = &sequence->first;
        int k;

        for (;;) {
                k = reader_next(r, event);
                if (k < 0)
                        return k;
                if (event->yaml.type == YAML_SEQUENCE_END_EVENT)
                        return 0;

                k = reader_node(r, event, depth, tail);
                if (k < 0)
                        return k;
                if (*tail) {
                        sequence->n_nodes += (*tail)->n_nodes;
                        tail = &(*tail)->next;
                }
        }
}

static const struct yaml_node *find_key(const struct yaml_node *mapping, const struct yaml_node *key) {
        for (const struct yaml_node *m = mapping->first; m; m = m->next)
                if (m->key->n == key->n && memcmp(m->key->text, key->text, key->n) == 0)
                        return m->key;
        return NULL;
}

/* One key and its value. *ret stays NULL if the pair was reported and is to be left out. */
static int reader_pair(struct reader *r, struct event *event, unsigned depth, const struct yaml_node *mapping,
                       struct yaml_node **ret) {
        struct yaml_node *key = NULL, *value = NULL;
        const struct yaml_node *first;
        int k;

        k = reader_node(r, event, depth, &key);
        if (k < 0)
                return k;
        k = reader_next(r, event);
        if (k < 0)
                return k;
        k = reader_node(r, event, depth, &value);
        if (k < 0)
                return k;
        if (!key || !value)
                return 0;

        if (key->type != YAML_SCALAR || key->n == 0) {
                diag_error(r->diags, key->span, "a key must be a name");
                return 0;
        }

        first = find_key(mapping, key);
        if (first) {
                diag_error(r->diags, key->span, "'%s' is set twice", key->text);
                diag_related(r->diags, first->span, "first set here");
                return 0;
        }

        value->key = key;
        *ret = value;
        return 0;
}

static int reader_mapping(struct reader *r, struct event *event, unsigned depth, struct yaml_node *mapping) {
        struct yaml_node **tail = &mapping->first;
        int k;

        for (;;) {
                k = reader_next(r, event);
                if (k < 0)
                        return k;
                if (event->yaml.type == YAML_MAPPING_END_EVENT)
                        return 0;

                k = reader_pair(r, event, depth, mapping, tail);
                if (k < 0)
                        return k;
                if (*tail) {
                        mapping->n_nodes += 1 + (*tail)->n_nodes;
                        tail = &(*tail)->next;
                }
        }
}

/* The node that the event begins, with all that is in it. *ret stays NULL if it was reported and is to be left out. */
static int reader_node(struct reader *r, struct event *event, unsigned depth, struct yaml_node **ret) {
        yaml_event_t *e = &event->yaml;
        _cleanup_(freep) yaml_char_t *anchor = NULL;    /* the event is gone when its node ends */
        struct diag_span span;
        struct yaml_node *node = NULL;
        int k;

        if (e->type == YAML_ALIAS_EVENT)
                return reader_alias(r, e, ret);

        if (e->type == YAML_SCALAR_EVENT) {
                span = reader_span(r, &e->start_mark, &e->end_mark);
                reader_check_node(r, span, e->data.scalar.anchor, e->data.scalar.tag);
                k = reader_scalar(r, e, span, &node);
                if (k >= 0)
                        k = reader_anchor(r, e->data.scalar.anchor, node);
                if (k >= 0)
                        *ret = node;
                return k;
        }

        span = reader_span(r, &e->start_mark, NULL);
        if (depth >= r->rules->max_depth)
                return diag_error(r->diags, span, "nested more than %u deep", r->rules->max_depth);

        if (e->type == YAML_SEQUENCE_START_EVENT) {
                anchor = TAKE_PTR(e->data.sequence_start.anchor);
                reader_check_node(r, span, anchor, e->data.sequence_start.tag);
                k = reader_new_node(r, YAML_SEQUENCE, span, &node);
                if (k >= 0)
                        k = reader_sequence(r, event, depth + 1, node);
        } else {
                assert(e->type == YAML_MAPPING_START_EVENT);
                anchor = TAKE_PTR(e->data.mapping_start.anchor);
                reader_check_node(r, span, anchor, e->data.mapping_start.tag);
                k = reader_new_node(r, YAML_MAPPING, span, &node);
                if (k >= 0)
                        k = reader_mapping(r, event, depth + 1, node);
        }
        if (k >= 0)
                k = reader_anchor(r, anchor, node);
        if (k < 0)
                return k;

        *ret = node;
        return 0;
}

static int reader_stream(struct reader *r, struct yaml_node **ret) {
        _cleanup_(event_done) struct event event = {};
        struct yaml_node *root = NULL;
        size_t n_documents = 0;
        int k;

        for (;;) {
                k = reader_next(r, &event);
                if (k < 0)
                        return k;

                switch (event.yaml.type) {
                case YAML_STREAM_END_EVENT:
                        return 0;
                case YAML_STREAM_START_EVENT:
                        break;
                case YAML_DOCUMENT_END_EVENT:
                        if (root) {
                                *ret = root;
                                ret = &root->next;
                                root = NULL;
                        }
                        break;
                case YAML_DOCUMENT_START_EVENT:
                        r->n_anchors = 0;
                        if (++n_documents > 1 && !r->rules->has_documents)
                                return diag_error(r->diags,
                                                  reader_span(r, &event.yaml.start_mark, &event.yaml.end_mark),
                                                  "a second document: there may be only one");
                        break;
                case YAML_NO_EVENT:
                case YAML_ALIAS_EVENT:
                case YAML_SCALAR_EVENT:
                case YAML_SEQUENCE_START_EVENT:
                case YAML_SEQUENCE_END_EVENT:
                case YAML_MAPPING_START_EVENT:
                case YAML_MAPPING_END_EVENT:
                        k = reader_node(r, &event, 0, &root);
                        if (k < 0)
                                return k;
                        break;
                }
        }
}

int yaml_read_by(const struct yaml_rules *rules, const char *name, const char *text, size_t n, struct arena *arena,
                 struct diag_set *diags, struct yaml_node **ret) {
        struct reader r = {
                .rules = rules, .name = name, .text = text, .n = n, .arena = arena, .diags = diags, .at_line = 1,
        };
        int k;

        *ret = NULL;
        k = reader_check_bytes(&r);
        if (k < 0)
                return k;

        if (!yaml_parser_initialize(&r.parser))
                return -ENOMEM;
        yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
        yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, n);
        k = reader_stream(&r, ret);
        yaml_parser_delete(&r.parser);
        return k;
}

int yaml_read(const char *name, const char *text, size_t n, struct arena *arena, struct diag_set *diags,
              struct yaml_node **ret) {
        static const struct yaml_rules rules = {.max_depth = YAML_DEPTH_MAX, .max_nodes = YAML_NODES_MAX};
        struct yaml_node *root;
        int k;

        k = yaml_read_by(&rules, name, text, n, arena, diags, &root);
        if (k >= 0)
                *ret = root;
        return k;
}
