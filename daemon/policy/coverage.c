/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/coverage.h"

#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"

#define ID_WIDTH 12U
#define LINE_WIDTH 110U

static int text_compare(struct text a, struct text b) {
        int r = memcmp(a.bytes, b.bytes, MIN(a.length, b.length));

        return r != 0 ? r : (a.length > b.length) - (a.length < b.length);
}

static int entry_compare(const void *x, const void *y) {
        const struct coverage_entry *a = x, *b = y;
        int r = text_compare(a->technique, b->technique);

        return r != 0 ? r : text_compare(a->path->name, b->path->name);
}

int coverage_collect(const struct policy_set *set, struct coverage *ret) {
        *ret = (struct coverage){};
        for (const struct path_node *path = set->paths; path; path = path->next) {
                ret->n_without += path->mitre.n == 0;
                for (size_t i = 0; i < path->mitre.n; i++) {
                        int r = array_push(&ret->entries, ((struct coverage_entry){path->mitre.items[i], path}));

                        if (r < 0) {
                                coverage_done(ret);
                                return r;
                        }
                }
        }
        if (ret->entries.n > 0)
                qsort(ret->entries.items, ret->entries.n, sizeof(*ret->entries.items), entry_compare);
        for (size_t i = 0; i < ret->entries.n; i++)
                ret->n_techniques += i == 0 || !text_equal(ret->entries.items[i].technique,
                                                           ret->entries.items[i - 1].technique);
        return 0;
}

void coverage_done(struct coverage *coverage) {
        array_done(&coverage->entries);
}

/* Behind the last entry of the technique that begins at i. */
static size_t technique_end(const struct coverage *c, size_t i) {
        size_t end = i + 1;

        while (end < c->entries.n && text_equal(c->entries.items[end].technique, c->entries.items[i].technique))
                end++;
        return end;
}

static size_t parent_length(struct text technique) {
        const char *dot = memchr(technique.bytes, '.', technique.length);

        return dot ? (size_t)(dot - technique.bytes) : technique.length;
}

/* A word of a row of them that is broken at the end of the line. */
static void put_word(const char *word, size_t n, size_t *column, bool more, struct strbuf *b) {
        if (*column > ID_WIDTH && *column + 1 + n > LINE_WIDTH) {
                strbuf_put_char(b, '\n');
                strbuf_put_repeat(b, ' ', ID_WIDTH);
                *column = ID_WIDTH;
        } else if (*column > ID_WIDTH) {
                strbuf_put_char(b, ' ');
                ++*column;
        }
        strbuf_put_text(b, word, n);
        strbuf_put(b, more ? "," : "");
        *column += n + more;
}

static void put_policies(const struct coverage *c, size_t from, size_t end, struct strbuf *b) {
        size_t column = ID_WIDTH;

        for (size_t i = from; i < end; i++) {
                const struct path_node *path = c->entries.items[i].path;
                struct strbuf word = {};

                strbuf_put_text(&word, path->name.bytes, path->name.length);
                strbuf_printf(&word, " (%s)", severity_to_string(path->severity));
                put_word(strbuf_str(&word), word.n, &column, i + 1 < end, b);
                strbuf_done(&word);
        }
        strbuf_put_char(b, '\n');
}

void coverage_put_text(const struct coverage *c, const struct policy_set *set, struct strbuf *b) {
        struct text before = {};

        for (size_t i = 0, end; i < c->entries.n; i = end) {
                struct text id = c->entries.items[i].technique;
                size_t parent = parent_length(id), start = b->n;

                end = technique_end(c, i);
                if (parent < id.length) {
                        /* The technique itself, if no policy names it. */
                        if (before.length == 0 || parent_length(before) != parent ||
                            memcmp(before.bytes, id.bytes, parent) != 0) {
                                strbuf_put_text(b, id.bytes, parent);
                                strbuf_put_char(b, '\n');
                                start = b->n;
                        }
                        strbuf_put(b, "  ");
                        strbuf_put_text(b, id.bytes + parent, id.length - parent);
                } else
                        strbuf_put_text(b, id.bytes, id.length);
                strbuf_put_repeat(b, ' ', ID_WIDTH - MIN(b->n - start, (size_t)ID_WIDTH - 1));
                put_policies(c, i, end, b);
                before = id;
        }

        strbuf_printf(b, "%s%zu technique%s in %zu of %zu policies\n", c->entries.n > 0 ? "\n" : "", c->n_techniques,
                      c->n_techniques == 1 ? "" : "s", set->n_paths - c->n_without, set->n_paths);
        if (c->n_without > 0) {
                size_t column = ID_WIDTH, n = 0;

                strbuf_put(b, "none in:    ");
                for (const struct path_node *path = set->paths; path; path = path->next)
                        if (path->mitre.n == 0)
                                put_word(path->name.bytes, path->name.length, &column, ++n < c->n_without, b);
                strbuf_put_char(b, '\n');
        }
}

static void put_json_text(struct text text, struct strbuf *b) {
        strbuf_put_json(b, text.bytes, text.length);
}

void coverage_put_json(const struct coverage *c, const struct policy_set *set, struct strbuf *b) {
        bool first = true;

        strbuf_put(b, "{\"techniques\":[");
        for (size_t i = 0, end; i < c->entries.n; i = end) {
                end = technique_end(c, i);
                strbuf_put(b, i > 0 ? ",\n{\"id\":" : "\n{\"id\":");
                put_json_text(c->entries.items[i].technique, b);
                strbuf_put(b, ",\"policies\":[");
                for (size_t k = i; k < end; k++) {
                        strbuf_put(b, k > i ? ",{\"name\":" : "{\"name\":");
                        put_json_text(c->entries.items[k].path->name, b);
                        strbuf_printf(b, ",\"severity\":\"%s\"}",
                                      severity_to_string(c->entries.items[k].path->severity));
                }
                strbuf_put(b, "]}");
        }
        strbuf_put(b, "],\n\"without\":[");
        for (const struct path_node *path = set->paths; path; path = path->next)
                if (path->mitre.n == 0) {
                        strbuf_put(b, first ? "" : ",");
                        put_json_text(path->name, b);
                        first = false;
                }
        strbuf_put(b, "]}\n");
}

void coverage_put_layer(const struct coverage *c, struct strbuf *b) {
        strbuf_put(b, "{\"name\":\"execrayd\",\"domain\":\"enterprise-attack\",\"versions\":{\"layer\":\"4.5\"},\n"
                      "\"techniques\":[");
        for (size_t i = 0, end; i < c->entries.n; i = end) {
                struct strbuf comment = {};

                end = technique_end(c, i);
                for (size_t k = i; k < end; k++) {
                        strbuf_put(&comment, k > i ? ", " : "");
                        strbuf_put_n(&comment, c->entries.items[k].path->name.bytes,
                                     c->entries.items[k].path->name.length);
                }
                strbuf_put(b, i > 0 ? ",\n{\"techniqueID\":" : "\n{\"techniqueID\":");
                put_json_text(c->entries.items[i].technique, b);
                strbuf_printf(b, ",\"score\":%zu,\"comment\":", end - i);
                strbuf_put_json(b, strbuf_str(&comment), comment.n);
                strbuf_put_char(b, '}');
                strbuf_done(&comment);
        }
        strbuf_put(b, "]}\n");
}
