/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/graph.h"

#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/parse.h"
#include "base/strbuf.h"
#include "policy/wording.h"

#define WRAP 56U /* columns of text in a box */
#define INDENT 4U

#define RED "\"#b3261e\""
#define GREY "\"#5f6368\""

/* An arrow that waits for the node that it leads to. */
struct arrow {
        unsigned from;
        const char *label;              /* constant; NULL */
        const struct element *absence;  /* label with how long it waited; NULL */
};

struct arrows ARRAY_BODY(struct arrow);

/* Where a slot is bound. */
struct binder {
        unsigned node;
        uint32_t slot;
        int hidden;                     /* it is on another way than what is drawn now */
};

struct graph {
        const struct path_node *path;
        struct strbuf *b;
        unsigned n_nodes, n_clusters, depth;
        ARRAY(struct binder) binders;
        struct strbuf text;             /* scratch */
        int error;
};

static void graph_done(struct graph *g) {
        array_done(&g->binders);
        strbuf_done(&g->text);
}

static void arrows_done(struct arrows *arrows) {
        array_done(arrows);
}

static void arrows_add(struct graph *g, struct arrows *arrows, struct arrow arrow) {
        int r = array_push(arrows, arrow);

        if (r < 0)
                g->error = r;
}

static void indent(struct graph *g) {
        strbuf_put_repeat(g->b, ' ', (size_t)(g->depth + 1) * INDENT);
}

/* For labels that look like HTML. */
static void put_escaped(const char *s, size_t n, struct strbuf *b) {
        for (size_t i = 0; i < n; i++)
                switch (s[i]) {
                case '<': strbuf_put(b, "&lt;"); break;
                case '>': strbuf_put(b, "&gt;"); break;
                case '&': strbuf_put(b, "&amp;"); break;
                case '"': strbuf_put(b, "&quot;"); break;
                case '[': strbuf_put(b, "&#91;"); break;
                case ']': strbuf_put(b, "&#93;"); break;
                default: strbuf_put_char(b, s[i]);
                }
}

/* Lines of plain text, long ones broken between words, all to the left. */
static void put_lines(const char *s, size_t n, struct strbuf *b) {
        while (n > 0) {
                size_t line = 0, end;
                bool more;

                for (end = 0; end < n && s[end] != '\n'; end++)
                        ;
                more = end > WRAP;
                if (more) {
                        for (line = WRAP; line > WRAP / 2 && s[line] != ' '; line--)
                                ;
                        if (s[line] != ' ')
                                for (line = WRAP; line < end && s[line] != ' '; line++)
                                        ;
                        more = line < end;
                } else
                        line = end;
                put_escaped(s, line, b);
                strbuf_put(b, "<br align=\"left\"/>");
                if (line < n)
                        line++;         /* the blank or line end */
                s += line;
                n -= line;
                if (more)
                        strbuf_put(b, "&#160;&#160;&#160;");
        }
}

static void put_scratch(struct graph *g) {
        if (g->text.error < 0)
                g->error = g->text.error;
        put_lines(strbuf_str(&g->text), g->text.n, g->b);
        strbuf_clear(&g->text);
}

static void put_bold(struct graph *g, const char *s, size_t n) {
        struct strbuf safe = {};

        strbuf_put_text(&safe, s, n);
        strbuf_put(g->b, "<b>");
        put_escaped(strbuf_str(&safe), safe.n, g->b);
        strbuf_put(g->b, "</b><br align=\"left\"/>");
        if (safe.error < 0)
                g->error = safe.error;
        strbuf_done(&safe);
}

static void draw_arrow(struct graph *g, const struct arrow *arrow, unsigned to, const char *style) {
        char duration[FORMAT_DURATION_MAX];

        strbuf_printf(g->b, "    n%u -> n%u [", arrow->from, to);
        if (arrow->absence)
                strbuf_printf(g->b, "label=\" %s have passed\" ", format_duration(duration, arrow->absence->within_ns));
        else if (arrow->label)
                strbuf_printf(g->b, "label=\" %s\" ", arrow->label);
        strbuf_printf(g->b, "%s];\n", style);
}

/* Arrows from all that wait to a node. Drawn at the end, outside of all frames: a node belongs to the frame in which it
 * is first named. */
struct pending {
        struct arrow arrow;
        unsigned to;
        const char *style;
};

struct pendings ARRAY_BODY(struct pending);

struct drawing {
        struct graph g;
        struct pendings pendings;
};

static void lead(struct drawing *d, const struct arrows *from, unsigned to, const char *style) {
        ARRAY_FOREACH(arrow, from) {
                int r = array_push(&d->pendings, ((struct pending){*arrow, to, style}));

                if (r < 0)
                        d->g.error = r;
        }
}

static void lead_dotted(struct drawing *d, unsigned from, unsigned to) {
        int r = array_push(&d->pendings,
                           ((struct pending){{.from = from}, to,
                                             "style=dotted arrowhead=open color=" GREY " constraint=false"}));

        if (r < 0)
                d->g.error = r;
}

/* A dotted line from each place where a value is kept that this expression compares with. */
static void trace_captures(struct drawing *d, const struct expr *expr, unsigned node) {
        switch (expr->type) {
        case EXPR_AND:
        case EXPR_OR:
                trace_captures(d, expr->left, node);
                trace_captures(d, expr->right, node);
                return;
        case EXPR_NOT:
        case EXPR_ANCESTOR:
                trace_captures(d, expr->left, node);
                return;
        case EXPR_COMPARE:
                if (expr->operand.type != OPERAND_CAPTURE)
                        return;
                ARRAY_FOREACH(binder, &d->g.binders)
                        if (binder->slot == expr->operand.slot && binder->node != node && binder->hidden == 0)
                                lead_dotted(d, binder->node, node);
                return;
        }
}

/* The box of one step. */
static unsigned draw_step(struct drawing *d, const struct element *e, const char *title, const char *attributes) {
        struct graph *g = &d->g;
        unsigned node = g->n_nodes++;
        const struct kind_info *kind = schema_kind(e->kind);
        char heading[128];

        indent(g);
        strbuf_printf(g->b, "n%u [%s label=<", node, attributes);
        if (e->number > 0)
                snprintf(heading, sizeof(heading), "%u. %s%s", e->number, title, kind ? kind->name : "?");
        else
                snprintf(heading, sizeof(heading), "%s%s", title, kind ? kind->name : "?");
        put_bold(g, heading, strlen(heading));

        strbuf_put(&g->text, "");
        wording_kind(e->kind, &g->text);
        if (e->any_result)
                strbuf_put(&g->text, ", or that was tried");
        strbuf_put_char(&g->text, '\n');
        wording_step(e, &g->text);
        if (e->has_points)
                strbuf_printf(&g->text, "%+lld points\n", (long long)e->points);
        put_scratch(g);
        strbuf_put(g->b, ">];\n");

        if (e->condition)
                trace_captures(d, e->condition, node);
        for (const struct capture *c = e->captures; c; c = c->next) {
                int r = array_push(&g->binders, ((struct binder){.node = node, .slot = c->slot}));

                if (r < 0)
                        g->error = r;
        }
        return node;
}

static void open_frame(struct graph *g, const char *style) {
        indent(g);
        strbuf_printf(g->b, "subgraph cluster_%u {\n", g->n_clusters++);
        g->depth++;
        indent(g);
        strbuf_printf(g->b, "%s;\n", style);
        indent(g);
        strbuf_put(g->b, "label=<");
}

static void end_label(struct graph *g) {
        strbuf_put(g->b, ">;\n");
}

static void close_frame(struct graph *g) {
        g->depth--;
        indent(g);
        strbuf_put(g->b, "}\n");
}

static unsigned draw_point(struct graph *g) {
        unsigned node = g->n_nodes++;

        indent(g);
        strbuf_printf(g->b, "n%u [shape=point width=0.12];\n", node);
        return node;
}

static void draw_elements(struct drawing *d, const struct element *first, struct arrows *now);

/* While one way is drawn, what is kept on another is not there. */
static void hide_binders(struct graph *g, size_t from, size_t to, int by) {
        for (size_t i = from; i < to; i++)
                g->binders.items[i].hidden += by;
}

#define FRAME_WINDOW "style=\"rounded,filled\"; color=\"#8ab4f8\"; fillcolor=\"#f3f8fe\""
#define FRAME_GROUP "style=\"rounded,dashed\"; color=\"#9aa0a6\""

/* What replaces `now`, the arrows that wait before the element, are those that wait behind it. */
static void draw_element(struct drawing *d, const struct element *e, struct arrows *now) {
        _cleanup_(arrows_done) struct arrows all = {}, one = {};
        struct graph *g = &d->g;
        size_t before = g->binders.n, n;
        unsigned node, join;

        switch (e->type) {
        case ELEMENT_ELLIPSIS:
                return;

        case ELEMENT_NOT:
                node = draw_step(d, e, "not: ", "style=\"rounded,dashed\" color=" RED " fontcolor=" RED);
                lead(d, now, node, "style=dashed color=" RED " fontcolor=" RED " label=\" ends the story\"");
                return;

        case ELEMENT_ABSENCE:
                node = draw_step(d, e, "does not happen: ",
                                 "style=\"rounded,dashed,filled\" fillcolor=\"#fef7e0\" color=\"#b06000\"");
                lead(d, now, node, "");
                array_clear(now);
                arrows_add(g, now, (struct arrow){.from = node, .absence = e});
                return;

        case ELEMENT_STEP:
                node = draw_step(d, e, "", "");
                lead(d, now, node, "");
                if (e->repetition != REPEAT_STAR)
                        array_clear(now);
                if (e->repetition != REPEAT_ONCE) {
                        arrows_add(g, &one, (struct arrow){.from = node, .label = "again, counted"});
                        lead(d, &one, node, "");
                }
                arrows_add(g, now, (struct arrow){.from = node});
                return;

        case ELEMENT_CONDITIONAL:
                node = draw_step(d, e, "the next one decides: ",
                                 "style=\"filled\" shape=box fillcolor=\"#e6f4ea\" color=\"#137333\"");
                lead(d, now, node, "");
                array_clear(now);
                arrows_add(g, &one, (struct arrow){.from = node, .label = "if so"});
                before = g->binders.n;
                draw_elements(d, e->then, &one);
                arrows_add(g, &all, (struct arrow){.from = node, .label = "if not"});
                n = g->binders.n;
                hide_binders(g, before, n, 1);
                if (e->otherwise)
                        draw_elements(d, e->otherwise, &all);
                hide_binders(g, before, n, -1);
                ARRAY_FOREACH(arrow, &one)
                        arrows_add(g, now, *arrow);
                ARRAY_FOREACH(arrow, &all)
                        arrows_add(g, now, *arrow);
                return;

        case ELEMENT_ANY:
                open_frame(g, FRAME_GROUP);
                strbuf_put(g->b, "one of these<br align=\"left\"/>");
                end_label(g);
                for (const struct element *c = e->children; c; c = c->next) {
                        array_clear(&one);
                        ARRAY_FOREACH(arrow, now)
                                arrows_add(g, &one, *arrow);
                        n = g->binders.n;
                        hide_binders(g, before, n, 1);
                        draw_element(d, c, &one);
                        hide_binders(g, before, n, -1);
                        ARRAY_FOREACH(arrow, &one)
                                arrows_add(g, &all, *arrow);
                }
                close_frame(g);
                break;

        case ELEMENT_ALL:
                open_frame(g, FRAME_GROUP);
                strbuf_put(g->b, "each of these once, in any order<br align=\"left\"/>");
                end_label(g);
                node = draw_point(g);
                lead(d, now, node, "");
                join = g->n_nodes++;
                for (const struct element *c = e->children; c; c = c->next) {
                        array_clear(&one);
                        arrows_add(g, &one, (struct arrow){.from = node});
                        draw_element(d, c, &one);
                        lead(d, &one, join, "");
                }
                indent(g);
                strbuf_printf(g->b, "n%u [shape=point width=0.12];\n", join);
                close_frame(g);
                arrows_add(g, &all, (struct arrow){.from = join, .label = "all seen"});
                break;

        case ELEMENT_REPEAT:
        case ELEMENT_BLOCK:
                open_frame(g, e->within_ns > 0 || e->type == ELEMENT_REPEAT ? FRAME_WINDOW : FRAME_GROUP);
                if (e->name.length > 0)
                        put_bold(g, e->name.bytes, e->name.length);
                strbuf_put(&g->text, "");
                wording_count(e, &g->text);
                put_scratch(g);
                end_label(g);
                draw_elements(d, e->children, now);
                close_frame(g);
                return;
        }

        array_clear(now);
        ARRAY_FOREACH(arrow, &all)
                arrows_add(g, now, *arrow);
}

static void draw_elements(struct drawing *d, const struct element *first, struct arrows *now) {
        for (const struct element *e = first; e; e = e->next)
                draw_element(d, e, now);
}

static const char *severity_colour(enum severity severity) {
        switch (severity) {
        case SEVERITY_INFO: return "\"#e8eaed\"";
        case SEVERITY_LOW: return "\"#ceead6\"";
        case SEVERITY_MEDIUM: return "\"#feefc3\"";
        case SEVERITY_HIGH: return "\"#fbd0a9\"";
        case SEVERITY_CRITICAL: return "\"#f6aea9\"";
        case _SEVERITY_MAX: break;
        }
        return "white";
}

static void draw_title(struct graph *g) {
        const struct path_node *path = g->path;

        strbuf_put(g->b, "    labelloc=t; labeljust=l;\n    label=<");
        put_bold(g, path->name.bytes, path->name.length);
        strbuf_put_text(&g->text, path->description.bytes ? path->description.bytes : "", path->description.length);
        if (path->description.length > 0)
                strbuf_put_char(&g->text, '\n');
        strbuf_put(&g->text, wording_key(path->by));
        strbuf_put_char(&g->text, '\n');
        put_scratch(g);
        strbuf_put(g->b, "<br align=\"left\"/>>;\n");
}

static void draw_exceptions(struct graph *g) {
        for (const struct exception *x = g->path->exceptions; x; x = x->next) {
                if (x->expired)
                        continue;
                indent(g);
                strbuf_printf(g->b, "n%u [shape=note style=\"\" color=" GREY " fontcolor=" GREY " label=<",
                              g->n_nodes++);
                put_bold(g, "not seen by this story", strlen("not seen by this story"));
                if (x->reason.length > 0) {
                        strbuf_put_text(&g->text, x->reason.bytes, x->reason.length);
                        strbuf_put(&g->text, ":\n");
                }
                wording_expr(x->condition, &g->text);
                put_scratch(g);
                strbuf_put(g->b, ">];\n");
        }
}

static void draw_body(struct drawing *d, unsigned start) {
        _cleanup_(arrows_done) struct arrows now = {}, begin = {};
        const struct path_node *path = d->g.path;
        struct graph *g = &d->g;
        unsigned alert;

        open_frame(g, FRAME_WINDOW);
        wording_window(path, &g->text);
        put_scratch(g);
        end_label(g);
        arrows_add(g, &begin, (struct arrow){.from = start});
        if (path->score > 0)            /* in any order, each as often as it comes */
                for (const struct element *e = path->body; e; e = e->next) {
                        _cleanup_(arrows_done) struct arrows one = {};

                        arrows_add(g, &one, begin.items ? begin.items[0] : (struct arrow){});
                        draw_element(d, e, &one);
                        ARRAY_FOREACH(arrow, &one)
                                arrows_add(g, &now, *arrow);
                }
        else {
                arrows_add(g, &now, (struct arrow){.from = start});
                draw_elements(d, path->body, &now);
        }
        close_frame(g);

        alert = g->n_nodes++;
        indent(g);
        strbuf_printf(g->b, "n%u [shape=octagon style=filled fillcolor=%s label=<<b>alert</b><br/>%s", alert,
                      severity_colour(path->severity), severity_to_string(path->severity));
        for (size_t i = 0; i < path->mitre.n; i++) {
                strbuf_put(g->b, i == 0 ? "<br/>" : i % 3 == 0 ? "<br/>" : " ");
                put_escaped(path->mitre.items[i].bytes, path->mitre.items[i].length, g->b);
        }
        strbuf_put(g->b, ">];\n");
        lead(d, &now, alert, "");

        for (const struct element *e = path->untils; e; e = e->next) {
                unsigned node = draw_step(d, e, "until: ", "style=\"rounded,dashed\" color=" RED " fontcolor=" RED);

                lead(d, &begin, node,
                     "style=dashed color=" RED " fontcolor=" RED " label=\" ends the story at any time\"");
        }
}

int graph_put(const struct path_node *path, struct strbuf *b) {
        struct drawing d = {.g = {.path = path, .b = b}};
        unsigned start;

        strbuf_put(b, "digraph story {\n"
                      "    rankdir=TB; nodesep=0.35; ranksep=0.45; compound=true;\n"
                      "    fontname=\"sans-serif\"; fontsize=12;\n"
                      "    node [shape=box style=rounded fontname=\"sans-serif\" fontsize=11 margin=\"0.15,0.1\"];\n"
                      "    edge [fontname=\"sans-serif\" fontsize=10];\n");
        draw_title(&d.g);
        start = draw_point(&d.g);
        draw_body(&d, start);
        draw_exceptions(&d.g);
        ARRAY_FOREACH(pending, &d.pendings)
                draw_arrow(&d.g, &pending->arrow, pending->to, pending->style);
        strbuf_put(b, "}\n");

        array_done(&d.pendings);
        graph_done(&d.g);
        return d.g.error < 0 ? d.g.error : b->error;
}
