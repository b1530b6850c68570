/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/layout.h"

#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/strbuf.h"
#include "policy/layout-private.h"

#define MAX_LEVEL 63U /* of conditionals inside each other; more are indented as this */
#define MAX_ROUNDS 16 /* each breaks lines that the one before left too long: one is usual, two are common */
#define COMMENT_GAP 2U

enum class {
        CLASS_NONE,
        CLASS_ASSIGN,                   /* severity = high: the signs stand below each other */
        CLASS_STEP,                     /* openat { ... } on one line: the braces do */
};

struct line {
        size_t first, end;              /* items */
        uint32_t indent;
        uint32_t align;                 /* behind this opening bracket instead; ITEM_NONE */
        uint32_t pad_at;                /* item that is moved to the right to stand below others; ITEM_NONE */
        uint32_t run, head;             /* which others, and how wide it is up to there */
        bool blank;
};

struct run {
        uint32_t head;                  /* the widest */
};

/* An open bracket, or the file. */
struct frame {
        size_t open;                    /* item; SIZE_MAX for the file */
        enum group group;
        bool broken;                    /* its content stands on lines of its own, below each other */
        bool refill;                    /* list: fill the lines anew */
        uint32_t base, align;           /* indent of its line; bracket to align with, ITEM_NONE */
        size_t split_end, or_end;       /* before these items, break at each comma, at each `or` */
        bool at_and;                    /* there is no `or`: at each `and` */
        uint64_t colons;                /* by level: the ':' of this conditional has been seen */
        unsigned level;                 /* of conditionals, from 1; 0 outside */
        enum class class, class_before;
        size_t run;
        bool blank;                     /* before the statement at hand */
};

struct layout {
        const struct source *source;
        struct item_list items;
        ARRAY(struct line) lines;
        ARRAY(struct run) runs;
        ARRAY(struct frame) frames;
        ARRAY(uint32_t) columns;        /* by item: where it stands, without padding */
        uint32_t column;                /* behind the last item */
        uint32_t line_column;           /* where the line at hand begins */
};

static void layout_done(struct layout *l) {
        array_done(&l->items);
        array_done(&l->lines);
        array_done(&l->runs);
        array_done(&l->frames);
        array_done(&l->columns);
}

static uint32_t width_of(const struct layout *l, size_t from, size_t to) {
        const struct item *last = &l->items.items[to];

        return last->flat + last->columns - l->items.items[from].flat;
}

/* The first item from i on that begins a line as the author has it, or that ends the frame's bracket. */
static size_t segment_end(const struct layout *l, const struct frame *frame, size_t i) {
        size_t close = frame->open == SIZE_MAX ? l->items.n : l->items.items[frame->open].match;

        for (i++; i < close && !l->items.items[i].newline && l->items.items[i].type != ITEM_COMMENT; i++)
                ;
        return i;
}

static size_t skip_group(const struct layout *l, size_t i) {
        return l->items.items[i].match != ITEM_NONE && l->items.items[i].match > i ? l->items.items[i].match : i;
}

/* The next comma of this level, or `end`. */
static size_t next_comma(const struct layout *l, size_t i, size_t end) {
        while (i < end && l->items.items[i].type != TOKEN_COMMA)
                i = skip_group(l, i) + 1;
        return MIN(i, end);
}

static bool has_word(const struct layout *l, size_t i, size_t end, const char *word) {
        for (; i < end; i = skip_group(l, i) + 1)
                if (item_is(l->source, &l->items.items[i], word))
                        return true;
        return false;
}

/* A line of conditions begins with item i: must it be broken, and where? */
static void plan_conditions(struct layout *l, struct frame *frame, size_t i) {
        size_t end, comma;

        if (i >= frame->split_end) {
                end = segment_end(l, frame, i);
                if (end > i && l->column + width_of(l, i, end - 1) > LAYOUT_WIDTH)
                        frame->split_end = end;
        }
        if (i >= frame->or_end) {
                end = i < frame->split_end ? frame->split_end : segment_end(l, frame, i);
                comma = next_comma(l, i, end);
                if (comma > i && l->column + width_of(l, i, comma - 1) > LAYOUT_WIDTH) {
                        frame->or_end = comma;
                        frame->at_and = !has_word(l, i, comma, "or");
                }
        }
}

/* Did the author break inside, or is a comment there? */
static bool is_written_on_lines(const struct layout *l, size_t open, size_t close) {
        for (size_t i = open + 1; i <= close; i++)
                if (l->items.items[i].newline || l->items.items[i].type == ITEM_COMMENT)
                        return true;
        return false;
}

/* Is each line of this list, as the author has them, short enough? */
static bool list_fits(const struct layout *l, size_t open, size_t close, uint32_t indent) {
        uint32_t column = l->column;
        size_t first = open;

        for (size_t i = open + 1; i <= close + 1; i++)
                if (i == close + 1 || l->items.items[i].newline) {
                        if (column + width_of(l, first, i - 1) > LAYOUT_WIDTH)
                                return false;
                        first = i;
                        column = indent;
                }
        return true;
}

/* An opening bracket stands at l->column. */
static void open_group(struct layout *l, size_t i, struct frame *frame) {
        const struct item *item = &l->items.items[i], *next = item + 1;
        size_t close = item->match, tail = close;
        bool lines = is_written_on_lines(l, i, close), fits;

        /* `..` and a comma do not stand alone. */
        while (tail + 1 < l->items.n && !l->items.items[tail + 1].newline &&
               (l->items.items[tail + 1].type == TOKEN_COMMA || l->items.items[tail + 1].type == TOKEN_ELLIPSIS_TWO ||
                l->items.items[tail + 1].type == TOKEN_ELLIPSIS_THREE))
                tail++;
        fits = l->column + width_of(l, i, tail) <= LAYOUT_WIDTH;

        *frame = (struct frame){
                .open = i,
                .group = item->group,
                .base = l->line_column,
                .align = ITEM_NONE,
                .run = SIZE_MAX,
        };
        switch (item->group) {
        case GROUP_BODY:
                frame->broken = lines || !fits || item->parent == ITEM_NONE;
                break;
        case GROUP_CONDITIONS:
                frame->broken = close > i + 1 && (lines || !fits);
                if (!lines && !fits)
                        frame->split_end = close;
                break;
        case GROUP_LIST:
                frame->broken = next->newline || next->type == ITEM_COMMENT;
                if (!frame->broken)
                        frame->align = (uint32_t)i;
                frame->refill = !list_fits(l, i, close, frame->broken ? frame->base + LAYOUT_INDENT : l->column + 1);
                for (size_t k = i; k < close && frame->refill; k++)
                        frame->refill = l->items.items[k].type != ITEM_COMMENT;
                break;
        case GROUP_PARENS:
                frame->align = (uint32_t)i;
                if (!fits) {
                        frame->or_end = close;
                        frame->at_and = !has_word(l, i + 1, close, "or");
                }
                break;
        }
}

/* Does the item go on with the condition before it? */
static bool continues_condition(const struct layout *l, size_t i) {
        const struct item *item = &l->items.items[i], *before = item - 1;

        if (item->type == ITEM_COMMENT)
                return false;
        if (item_is(l->source, item, "or") || item_is(l->source, item, "and") ||
            (item->type >= TOKEN_ASSIGN && item->type <= TOKEN_PIPE))
                return before->type != TOKEN_COMMA && before->type != TOKEN_BRACE_OPEN;
        return item_is(l->source, before, "or") || item_is(l->source, before, "and") ||
               item_is(l->source, before, "not") || (before->type >= TOKEN_ASSIGN && before->type <= TOKEN_PIPE);
}

/* Does item i begin a line? */
static bool must_break(const struct layout *l, const struct frame *frame, size_t i) {
        const struct item *item = &l->items.items[i], *before = item - 1;
        size_t comma;

        if (i == 0 || before->type == ITEM_COMMENT)
                return true;
        if (item->type == ITEM_COMMENT)
                return item->newline;
        if (frame->open != SIZE_MAX && item->match == frame->open)      /* closes the group */
                return frame->broken || item->newline;
        if (frame->broken && i == frame->open + 1)
                return true;
        if (item->start && frame->broken)
                return true;

        if (frame->refill) {
                if (item->newline && before->type != TOKEN_COMMA)
                        return true;    /* a line end is all that is between these items */
                if (before->type != TOKEN_COMMA || item->type == TOKEN_COMMA)
                        return false;
                comma = next_comma(l, i, l->items.items[frame->open].match);
                return l->column + 1 + width_of(l, i, comma) > LAYOUT_WIDTH;
        }
        if (item->newline)
                return true;
        if (i < frame->split_end && before->type == TOKEN_COMMA && item->type != TOKEN_COMMA)
                return true;
        return i < frame->or_end && i > frame->open + 1 && item_is(l->source, item, frame->at_and ? "and" : "or");
}

/* Conditionals stand one level deeper for each that they are in. */
static void follow_conditional(struct frame *frame, const struct item *item) {
        if (item->start)
                frame->level = 0;
        else if (item->type == TOKEN_QUESTION) {
                frame->level = MIN(frame->level + 1, MAX_LEVEL);
                frame->colons &= ~(UINT64_C(1) << frame->level);
        } else if (item->type == TOKEN_COLON) {
                while (frame->level > 1 && frame->colons & UINT64_C(1) << frame->level)
                        frame->level--;
                frame->colons |= UINT64_C(1) << frame->level;
        }
}

/* Two definitions have an empty line between them if one of them is a path; what is said above one belongs to it. */
static bool needs_blank(const struct layout *l, size_t i) {
        const struct item *item = &l->items.items[i];
        size_t before = i, after = i;

        if (i == 0 || (item->type == ITEM_COMMENT && l->items.items[i - 1].type == ITEM_COMMENT &&
                       l->items.items[i - 1].newline))
                return false;           /* the first of several comments has it */
        while (after < l->items.n && l->items.items[after].type == ITEM_COMMENT &&
               (after == i || !l->items.items[after].blank))
                after++;
        if (after < l->items.n && l->items.items[after].start && !(after > i && l->items.items[after].blank) &&
            item_is(l->source, &l->items.items[after], "path"))
                return !(l->items.items[i - 1].type == ITEM_COMMENT && l->items.items[i - 1].newline);

        while (before > 0 && l->items.items[before - 1].type == ITEM_COMMENT && !l->items.items[before - 1].newline)
                before--;
        before--;
        return l->items.items[before].type == TOKEN_BRACE_CLOSE &&
               l->items.items[l->items.items[before].match].group == GROUP_BODY;
}

static int begin_line(struct layout *l, struct frame *frame, size_t i) {
        const struct item *item = &l->items.items[i];
        bool closes = frame->open != SIZE_MAX && item->match == frame->open, first = frame->open + 1 == i;
        struct line line = {.first = i, .align = ITEM_NONE, .pad_at = ITEM_NONE};

        if (l->lines.n > 0)
                array_last(&l->lines)->end = i;

        if (closes)
                line.indent = frame->base;
        else if (frame->broken && frame->open != SIZE_MAX)
                line.indent = frame->base + LAYOUT_INDENT;

        if (frame->align != ITEM_NONE && !frame->broken) {
                line.align = frame->align;
                line.indent = l->columns.items[frame->align] + !closes;
        } else if (frame->group == GROUP_CONDITIONS) {
                if (!closes && !first && continues_condition(l, i))
                        line.indent += LAYOUT_INDENT;
        } else if (frame->group == GROUP_BODY && !closes && !item->start && !first && item->type != TOKEN_BRACE_OPEN &&
                   (item->type != ITEM_COMMENT || item->inner))
                line.indent += LAYOUT_INDENT * MAX(frame->level, 1U);

        if (i > 0)
                line.blank = (item->blank && !closes && !first) || (frame->open == SIZE_MAX && needs_blank(l, i) &&
                                                                    (item->start || item->type == ITEM_COMMENT));
        l->column = l->line_column = line.indent;
        return array_push(&l->lines, line);
}

/* Does the statement that has its `{` at i end with the line? */
static bool is_one_line(const struct layout *l, size_t i) {
        size_t end = l->items.items[i].match + 1;

        while (end < l->items.n && !l->items.items[end].newline && !l->items.items[end].start &&
               l->items.items[end].type != TOKEN_QUESTION && l->items.items[end].type != TOKEN_BRACE_CLOSE &&
               l->items.items[end].type != ITEM_COMMENT)
                end++;          /* `..`, `+10`, `child of $a` */
        return end == l->items.n || l->items.items[end].start || l->items.items[end].type == TOKEN_BRACE_CLOSE ||
               l->items.items[end].type == ITEM_COMMENT;
}

/* Find out whether item i should stand below its like in the statements around this one. `inner` is the group that it
 * opens, if it is a brace. */
static int follow_run(struct layout *l, struct frame *frame, size_t i, const struct frame *inner) {
        const struct item *item = &l->items.items[i];
        struct line *line = array_last(&l->lines);
        enum class class;
        size_t head = i - line->first;

        if (frame->group != GROUP_BODY || !frame->broken || frame->class != CLASS_NONE ||
            !l->items.items[line->first].start)
                return 0;
        if ((item->type == TOKEN_ASSIGN || item->type == TOKEN_PLUS_ASSIGN) && head >= 1 && head <= 2)
                class = CLASS_ASSIGN;
        else if (item->type == TOKEN_BRACE_OPEN && head == 1 && inner->group == GROUP_CONDITIONS && !inner->broken &&
                 frame->open != SIZE_MAX && is_one_line(l, i))
                class = CLASS_STEP;
        else
                return 0;

        if (frame->class_before != class || frame->blank) {
                int r = array_push(&l->runs, (struct run){});

                if (r < 0)
                        return r;
                frame->run = l->runs.n - 1;
        }
        frame->class = class;
        line->run = (uint32_t)frame->run;
        line->pad_at = (uint32_t)i;
        line->head = l->columns.items[i] - l->line_column;
        l->runs.items[frame->run].head = MAX(l->runs.items[frame->run].head, line->head);
        return 0;
}

/* Break the row of items into lines. */
static int layout_break(struct layout *l) {
        struct frame *frame;
        int r;

        r = array_reserve(&l->columns, l->items.n + 1);
        if (r < 0)
                return r;
        r = array_push(&l->frames, ((struct frame){.open = SIZE_MAX, .group = GROUP_BODY, .broken = true,
                                                   .align = ITEM_NONE, .run = SIZE_MAX}));
        for (size_t i = 0; r >= 0 && i < l->items.n; i++) {
                const struct item *item = &l->items.items[i];
                struct frame inner;

                frame = array_last(&l->frames);
                if (frame->group == GROUP_BODY)
                        follow_conditional(frame, item);
                if (must_break(l, frame, i)) {
                        r = begin_line(l, frame, i);
                        if (r < 0)
                                return r;
                        if (item->start) {
                                frame->class_before = frame->class;
                                frame->class = CLASS_NONE;
                                frame->blank = array_last(&l->lines)->blank;
                        }
                        if (frame->group == GROUP_CONDITIONS && frame->broken)
                                plan_conditions(l, frame, i);
                } else
                        l->column += item->space;
                l->columns.items[l->columns.n++] = l->column;

                if (item->match != ITEM_NONE && item->match > i) {
                        open_group(l, i, &inner);
                        r = follow_run(l, frame, i, &inner);
                        if (r >= 0)
                                r = array_push(&l->frames, inner);
                } else if (item->match != ITEM_NONE)
                        l->frames.n--;
                else
                        r = follow_run(l, frame, i, NULL);
                l->column += item->columns;
        }
        if (l->lines.n > 0)
                array_last(&l->lines)->end = l->items.n;
        return r;
}

static bool has_trailing_comment(const struct layout *l, const struct line *line) {
        return line->end > line->first + 1 && l->items.items[line->end - 1].type == ITEM_COMMENT;
}

/* Where the items of a line stand, with padding, but without its trailing comment. Returns its width. */
static uint32_t place_line(struct layout *l, const struct line *line) {
        uint32_t column = line->align == ITEM_NONE
                                ? line->indent
                                : l->columns.items[line->align] + (l->items.items[line->first].match != line->align);

        for (size_t i = line->first; i < line->end - has_trailing_comment(l, line); i++) {
                if (i > line->first)
                        column += l->items.items[i].space;
                if (i == line->pad_at)
                        column += l->runs.items[line->run].head - line->head;
                l->columns.items[i] = column;
                column += l->items.items[i].columns;
        }
        return column;
}

/* Comments behind lines that follow each other, and are indented alike, stand below each other. */
static void place_comments(struct layout *l, const uint32_t *widths) {
        for (size_t i = 0, end; i < l->lines.n; i = end) {
                uint32_t column = 0;

                for (end = i; end < l->lines.n && has_trailing_comment(l, &l->lines.items[end]) &&
                              (end == i || (!l->lines.items[end].blank &&
                                            l->lines.items[end].indent == l->lines.items[i].indent));
                     end++)
                        column = MAX(column, widths[end]);
                for (size_t k = i; k < end; k++)
                        l->columns.items[l->lines.items[k].end - 1] = column + COMMENT_GAP;
                if (end == i)
                        end++;
        }
}

static int layout_print(struct layout *l, struct strbuf *b) {
        _cleanup_(freep) uint32_t *widths = calloc(l->lines.n + 1, sizeof(*widths));

        if (!widths)
                return -ENOMEM;
        for (size_t i = 0; i < l->lines.n; i++)
                widths[i] = place_line(l, &l->lines.items[i]);
        place_comments(l, widths);

        ARRAY_FOREACH(line, &l->lines) {
                uint32_t column = 0;

                if (line->blank)
                        strbuf_put_char(b, '\n');
                for (size_t i = line->first; i < line->end; i++) {
                        const struct item *item = &l->items.items[i];

                        strbuf_put_repeat(b, ' ', l->columns.items[i] - column);
                        strbuf_put_n(b, l->source->text + item->offset, item->length);
                        column = l->columns.items[i] + item->columns;
                }
                strbuf_put_char(b, '\n');
        }
        return b->error;
}

static int layout_round(const char *text, size_t length, struct strbuf *b) {
        _cleanup_(layout_done) struct layout l = {};
        _cleanup_(arena_done) struct arena arena = {};
        int r;

        r = source_new(&arena, "", text, length, &l.source);
        if (r >= 0)
                r = items_scan(l.source, &l.items);
        if (r >= 0)
                r = layout_break(&l);
        if (r >= 0)
                r = layout_print(&l, b);
        return r;
}

int layout_text(const char *text, size_t length, struct strbuf *b) {
        _cleanup_(strbuf_done) struct strbuf now = {}, next = {};
        int r;

        r = layout_round(text, length, &now);
        for (unsigned round = 1; r >= 0 && round < MAX_ROUNDS; round++) {
                struct strbuf other = now;

                strbuf_clear(&next);
                r = layout_round(strbuf_str(&now), now.n, &next);
                if (r < 0 || (now.n == next.n && memcmp(strbuf_str(&now), strbuf_str(&next), now.n) == 0))
                        break;
                now = next;
                next = other;
        }
        if (r < 0)
                return r;
        strbuf_put_n(b, strbuf_str(&now), now.n);
        return b->error;
}
