/* SPDX-License-Identifier: Apache-2.0 */
#include "config/yaml-reader.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <yaml.h>

#include "base/cleanup.h"
#include "base/utf8.h"

struct reader {
        const char *name;               /* borrowed, for spans */
        const char *text;
        size_t n;
        struct arena *arena;
        struct diag_set *diags;
        yaml_parser_t parser;
        size_t n_nodes;

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
                if (k > 0 && (utf8_is_showable(c) || c == '\t' || c == '\n' || c == '\r')) {
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
        if (has_anchor)
                diag_error(r->diags, span, "anchors (&name) are not supported here");
        if (has_tag)
                diag_error(r->diags, span, "tags (!name) are not supported here");
}

static int reader_node(struct reader *r, struct event *event, unsigned depth, struct yaml_node **ret);

static int reader_new_node(struct reader *r, enum yaml_type type, struct diag_span span, struct yaml_node **ret) {
        struct yaml_node *node = NULL;

        if (r->n_nodes++ >= YAML_NODES_MAX)
                return diag_error(r->diags, span, "more than %d values", YAML_NODES_MAX);

        node = arena_new(r->arena, struct yaml_node);
        if (!node)
                return -ENOMEM;
        node->type = type;
        node->span = span;
        *ret = node;
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
                if (*tail)
                        tail = &(*tail)->next;
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
                if (*tail)
                        tail = &(*tail)->next;
        }
}

/* The node that the event begins, with all that is in it. *ret stays NULL if it was reported and is to be left out. */
static int reader_node(struct reader *r, struct event *event, unsigned depth, struct yaml_node **ret) {
        yaml_event_t *e = &event->yaml;
        struct diag_span span;
        struct yaml_node *node = NULL;
        int k;

        if (e->type == YAML_ALIAS_EVENT) {
                diag_error(r->diags, reader_span(r, &e->start_mark, &e->end_mark),
                           "aliases (*name) are not supported here");
                return 0;
        }

        if (e->type == YAML_SCALAR_EVENT) {
                span = reader_span(r, &e->start_mark, &e->end_mark);
                reader_check_node(r, span, e->data.scalar.anchor, e->data.scalar.tag);
                return reader_scalar(r, e, span, ret);
        }

        span = reader_span(r, &e->start_mark, NULL);
        if (depth >= YAML_DEPTH_MAX)
                return diag_error(r->diags, span, "nested more than %d deep", YAML_DEPTH_MAX);

        if (e->type == YAML_SEQUENCE_START_EVENT) {
                reader_check_node(r, span, e->data.sequence_start.anchor, e->data.sequence_start.tag);
                k = reader_new_node(r, YAML_SEQUENCE, span, &node);
                if (k >= 0)
                        k = reader_sequence(r, event, depth + 1, node);
        } else {
                assert(e->type == YAML_MAPPING_START_EVENT);
                reader_check_node(r, span, e->data.mapping_start.anchor, e->data.mapping_start.tag);
                k = reader_new_node(r, YAML_MAPPING, span, &node);
                if (k >= 0)
                        k = reader_mapping(r, event, depth + 1, node);
        }
        if (k < 0)
                return k;

        *ret = node;
        return 0;
}

static int reader_stream(struct reader *r, struct yaml_node **ret) {
        _cleanup_(event_done) struct event event = {};
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
                case YAML_DOCUMENT_END_EVENT:
                        break;
                case YAML_DOCUMENT_START_EVENT:
                        if (++n_documents > 1)
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
                        k = reader_node(r, &event, 0, ret);
                        if (k < 0)
                                return k;
                        break;
                }
        }
}

int yaml_read(const char *name, const char *text, size_t n, struct arena *arena, struct diag_set *diags,
              struct yaml_node **ret) {
        struct reader r = {.name = name, .text = text, .n = n, .arena = arena, .diags = diags, .at_line = 1};
        struct yaml_node *root = NULL;
        int k;

        k = reader_check_bytes(&r);
        if (k < 0)
                return k;

        if (!yaml_parser_initialize(&r.parser))
                return -ENOMEM;
        yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
        yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, n);
        k = reader_stream(&r, &root);
        yaml_parser_delete(&r.parser);
        if (k < 0)
                return k;
        *ret = root;
        return 0;
}
