/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "policy/layout-private.h"

bool item_is(const struct source *source, const struct item *item, const char *word) {
        return item->type == TOKEN_WORD && memeq_str(source->text + item->offset, item->length, word);
}

static bool item_is_any(const struct source *source, const struct item *item, const char *const *words, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (item_is(source, item, words[i]))
                        return true;
        return false;
}
#define ITEM_IS_ANY(source, item, ...) \
        item_is_any(source, item, (const char *const[]){__VA_ARGS__}, \
                    sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

static bool is_open(enum token_type type) {
        return type == TOKEN_BRACE_OPEN || type == TOKEN_BRACKET_OPEN || type == TOKEN_PAREN_OPEN;
}

static bool is_close(enum token_type type) {
        return type == TOKEN_BRACE_CLOSE || type == TOKEN_BRACKET_CLOSE || type == TOKEN_PAREN_CLOSE;
}

static uint32_t columns_of(const struct source *source, uint32_t offset, uint32_t length) {
        uint32_t n = 0;

        for (uint32_t i = 0; i < length; i++)
                n += ((unsigned char)source->text[offset + i] & 0xc0) != 0x80;
        return n;
}

static int items_add(const struct source *source, struct item_list *items, enum token_type type, uint32_t offset,
                     uint32_t length, unsigned newlines) {
        struct item *item = array_add(items);

        if (!item)
                return -ENOMEM;
        *item = (struct item){
                .type = type,
                .offset = offset,
                .length = length,
                .columns = columns_of(source, offset, length),
                .match = ITEM_NONE,
                .parent = ITEM_NONE,
                .newline = newlines > 0 || items->n == 1,
                .blank = newlines > 1 && items->n > 1,
        };
        return 0;
}

/* The blanks and comments before the next token, which begins at `end`. Counts the line ends behind the last comment.
 */
static int items_add_comments(const struct source *source, struct item_list *items, uint32_t from, uint32_t end,
                              unsigned *ret_newlines) {
        unsigned newlines = 0;
        int r;

        while (from < end) {
                char c = source->text[from];
                const char *eol;
                uint32_t next, length;

                if (c != '#' && c != '/') {
                        newlines += c == '\n';
                        from++;
                        continue;
                }

                eol = memchr(source->text + from, '\n', end - from);
                next = eol ? (uint32_t)(eol - source->text) : end;
                length = next - from;
                while (length > 0 && strchr(" \t\r", source->text[from + length - 1]))
                        length--;
                r = items_add(source, items, ITEM_COMMENT, from, length, newlines);
                if (r < 0)
                        return r;
                newlines = 0;
                from = next;
        }
        *ret_newlines = newlines;
        return 0;
}

static int items_read(const struct source *source, struct item_list *items) {
        struct diag_set diags;
        struct lexer lexer;
        uint32_t end;
        int r = 0;

        diag_set_init(&diags, 1);
        lexer_init(&lexer, source, &diags);
        end = lexer.position;           /* behind a byte order mark */
        while (r >= 0) {
                struct token token = lexer_next(&lexer);
                unsigned newlines;

                r = diags.n_errors > 0 ? -EBADMSG : items_add_comments(source, items, end, token.offset, &newlines);
                if (r < 0 || token.type == TOKEN_EOF)
                        break;
                r = items_add(source, items, token.type, token.offset, token.length, newlines);
                end = token.offset + token.length;
        }
        diag_set_done(&diags);
        return r;
}

/* A comma, and a brace or a list's bracket behind what it belongs to, do not begin a line. */
static void items_join(struct item_list *items) {
        for (size_t i = 1; i < items->n; i++) {
                struct item *item = &items->items[i];
                enum token_type before = items->items[i - 1].type;

                if (!item->newline || before == ITEM_COMMENT)
                        continue;
                if (item->type == TOKEN_COMMA && !is_open(before) && before != TOKEN_COMMA) {
                        item->newline = item->blank = false;
                        if (i + 1 < items->n)
                                items->items[i + 1].newline = true;
                } else if ((item->type == TOKEN_BRACE_OPEN && !is_open(before) && before != TOKEN_BRACE_CLOSE) ||
                           (item->type == TOKEN_BRACKET_OPEN &&
                            (before == TOKEN_ASSIGN || before == TOKEN_PLUS_ASSIGN)))
                        item->newline = item->blank = false;
        }
}

static int items_match(struct item_list *items) {
        uint32_t around = ITEM_NONE;

        for (size_t i = 0; i < items->n; i++) {
                struct item *item = &items->items[i];

                if (is_close(item->type)) {
                        /* The closing one follows its opening one in the list of tokens. */
                        if (around == ITEM_NONE || items->items[around].type + 1 != item->type)
                                return -EBADMSG;
                        item->match = around;
                        items->items[around].match = (uint32_t)i;
                        around = items->items[around].parent;
                }
                item->parent = around;
                if (is_open(item->type))
                        around = (uint32_t)i;
        }
        return around == ITEM_NONE ? 0 : -EBADMSG;
}

/* Braces that hold braces hold statements; but a group of conditions on one process (`ancestor { }`) is one of
 * conditions. What stands in a group of conditions is one. */
static void items_classify(const struct source *source, struct item_list *items) {
        for (size_t i = 0; i < items->n; i++) {
                struct item *item = &items->items[i], *before = i > 0 ? item - 1 : NULL;

                if (item->type == TOKEN_BRACKET_OPEN)
                        item->group = GROUP_LIST;
                else if (item->type == TOKEN_PAREN_OPEN)
                        item->group = GROUP_PARENS;
                else if (item->type == TOKEN_BRACE_OPEN) {
                        struct item *around = item->parent == ITEM_NONE ? NULL : &items->items[item->parent];

                        item->group = GROUP_CONDITIONS;
                        if (around && around->type != TOKEN_BRACE_OPEN)
                                continue;
                        if (before && (before->type == TOKEN_QUESTION || before->type == TOKEN_COLON ||
                                       (!around && i > 1 && item_is(source, before - 1, "path"))))
                                item->group = GROUP_BODY;
                        if (around && before && !ITEM_IS_ANY(source, before, "ancestor", "parent", "proc"))
                                around->group = GROUP_BODY;
                }
        }
}

/* Two brackets that touch what is in them; a comma touches what is before it; flags and signs touch. */
static bool needs_space(const struct source *source, const struct item_list *items, size_t i) {
        const struct item *item = &items->items[i], *before = item - 1;

        if (before->type == TOKEN_PAREN_OPEN || before->type == TOKEN_BRACKET_OPEN || before->type == TOKEN_PIPE)
                return false;
        if (before->type == TOKEN_MINUS || before->type == TOKEN_PLUS)
                return false;

        if (item->type == TOKEN_COMMA || item->type == TOKEN_PAREN_CLOSE || item->type == TOKEN_BRACKET_CLOSE ||
            item->type == TOKEN_PIPE)
                return false;
        if (item->type != TOKEN_BRACKET_OPEN || before->type != TOKEN_WORD)
                return true;
        /* argv[1], but `in [1]`. */
        return item->match != i + 2 || items->items[i + 1].type != TOKEN_NUMBER ||
               ITEM_IS_ANY(source, before, "in", "glob", "startswith", "endswith", "contains", "respond");
}

/* Words that go on with a step behind its `}`. */
static bool continues_step(const struct source *source, const struct item_list *items, size_t i,
                           const struct item *statement) {
        const struct item *item = &items->items[i], *next = i + 1 < items->n ? item + 1 : NULL;

        if (!next || next->type == TOKEN_BRACE_OPEN || next->type == TOKEN_ASSIGN)
                return false;
        if (ITEM_IS_ANY(source, item, "child", "parent", "ancestor", "sibling", "descendant", "same", "respond", "and"))
                return next->type == TOKEN_WORD || next->type == TOKEN_BRACKET_OPEN;
        return item_is(source, item, "within") && item_is(source, statement, "no");
}

static bool is_assign(enum token_type type) {
        return type == TOKEN_ASSIGN || type == TOKEN_PLUS_ASSIGN;
}

static bool is_ellipsis(const struct item *item) {
        return item->type == TOKEN_ELLIPSIS_TWO || item->type == TOKEN_ELLIPSIS_THREE;
}

/* Does a statement end before item i? `statement` is its first item, `last` the one before i on this level. */
static bool is_complete(const struct source *source, const struct item_list *items, size_t i, size_t statement,
                        size_t last) {
        const struct item *next = &items->items[i], *first = &items->items[statement], *before = &items->items[last];
        bool property = statement + 1 < items->n && is_assign(items->items[statement + 1].type) && last > statement + 1;

        if (is_ellipsis(next))
                return next->newline && (before->type == TOKEN_BRACE_CLOSE || property ||
                                         before->type == TOKEN_CAPTURE || is_ellipsis(before));
        if (next->type != TOKEN_WORD || continues_step(source, items, i, first))
                return false;
        if (property) {
                const struct item *after = i + 1 < items->n ? next + 1 : NULL;

                /* "60 s" */
                return next->newline || before->type != TOKEN_NUMBER || next->length > 3 ||
                       strchr("0123456789", source->text[before->offset + before->length - 1]) == NULL || !after ||
                       is_assign(after->type) || after->type == TOKEN_BRACE_OPEN;
        }

        if (before->type == TOKEN_BRACE_CLOSE || before->type == TOKEN_BRACKET_CLOSE || before->type == TOKEN_COMMA ||
            is_ellipsis(before))
                return true;
        /* `} child of $a`, `} +10`, `no ... { } within 30s`. Of what is not known, the next one begins a line. */
        if (before->type == TOKEN_CAPTURE ||
            (before->type == TOKEN_NUMBER && last > 0 && before[-1].type == TOKEN_PLUS))
                return true;
        return before->type == TOKEN_NUMBER && last > statement + 1 && (next->newline || item_is(source, first, "no"));
}

/* Mark what begins a statement or a definition. One walk; each open body has its own state. */
static int items_split(const struct source *source, struct item_list *items) {
        struct level {
                size_t statement, last;
        };
        ARRAY(struct level) levels = {};
        struct level *level;
        int r;

        r = array_push(&levels, ((struct level){SIZE_MAX, SIZE_MAX}));
        for (size_t i = 0; r >= 0 && i < items->n; i++) {
                struct item *item = &items->items[i];

                if (item->type == ITEM_COMMENT)
                        continue;
                if (is_close(item->type)) {
                        levels.n--;
                        array_last(&levels)->last = i;
                        continue;
                }

                level = array_last(&levels);
                if (item->parent == ITEM_NONE || items->items[item->parent].group == GROUP_BODY) {
                        if (item->type == TOKEN_COMMA && level->last != SIZE_MAX)
                                ;       /* ends a statement, but stands behind it */
                        else if (level->last == SIZE_MAX || items->items[level->last].type == TOKEN_COMMA ||
                                 is_complete(source, items, i, level->statement, level->last)) {
                                item->start = true;
                                level->statement = i;
                        }
                }
                level->last = i;
                if (is_open(item->type))
                        r = array_push(&levels, ((struct level){SIZE_MAX, SIZE_MAX}));
        }
        array_done(&levels);
        return r;
}

/* A comment stands as what comes after it. */
static void items_place_comments(struct item_list *items) {
        bool inner = false;

        for (size_t i = items->n; i-- > 0;) {
                struct item *item = &items->items[i];

                if (item->type == ITEM_COMMENT)
                        item->inner = inner;
                else
                        inner = !item->start && !is_close(item->type);
        }
}

int items_scan(const struct source *source, struct item_list *ret) {
        uint32_t flat = 0;
        int r;

        r = items_read(source, ret);
        if (r < 0)
                return r;
        items_join(ret);
        r = items_match(ret);
        if (r < 0)
                return r;
        items_classify(source, ret);
        r = items_split(source, ret);
        if (r < 0)
                return r;
        items_place_comments(ret);

        for (size_t i = 0; i < ret->n; i++) {
                struct item *item = &ret->items[i];

                item->space = i > 0 && needs_space(source, ret, i);
                flat += item->space;
                item->flat = flat;
                flat += item->columns;
        }
        return 0;
}
