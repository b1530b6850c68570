/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/filter.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/macro.h"
#include "base/strbuf.h"
#include "compile/compile.h"
#include "event/schema.h"
#include "policy/policy-set.h"

/* Where each condition stands in the text of a kind: whole lines. */
struct layout {
        uint32_t first_line[FILTER_MAX_CONDITIONS], n_lines[FILTER_MAX_CONDITIONS];
        uint32_t offset[FILTER_MAX_CONDITIONS];
};

static uint32_t count_lines(const char *text) {
        uint32_t n = 1;

        for (; *text; text++)
                n += *text == '\n';
        return n;
}

/* A path of one step. The conditions stand on lines of their own, so columns are those of their texts. */
static void put_path(const struct filter_options *options, enum wire_kind kind, struct layout *layout,
                     struct strbuf *b) {
        const char *name = schema_kind(kind)->name;
        uint32_t line = 2;

        strbuf_printf(b, "path \"%s\" { within = unlimited, by = host, %s {%s\n", name, name,
                      options->failed ? " failed" : "");
        for (size_t i = 0; i < options->n_conditions; i++) {
                const char *text = options->conditions[i].text;

                layout->first_line[i] = line;
                layout->n_lines[i] = count_lines(text);
                layout->offset[i] = (uint32_t)b->n;
                line += layout->n_lines[i];
                strbuf_put(b, text);
                strbuf_put_char(b, '\n');
        }
        strbuf_put(b, "} }\n");
}

/* From the place in the path to that in the condition. What is missed behind a text is missed at its end. */
static void move_span(const struct filter_options *options, const struct layout *layout, struct diag_span *span) {
        size_t i = options->n_conditions;

        if (span->line == 0 || options->n_conditions == 0)
                return;
        while (i > 1 && span->line < layout->first_line[i - 1])
                i--;
        i--;
        span->file = options->conditions[i].name;
        if (span->line < layout->first_line[i] || span->line >= layout->first_line[i] + layout->n_lines[i]) {
                const char *text = options->conditions[i].text, *last = strrchr(text, '\n');
                bool before = span->line < layout->first_line[i];

                span->line = before ? 1 : layout->n_lines[i];
                span->offset = before ? 0 : (uint32_t)strlen(text);
                span->column = before ? 1 : (uint32_t)strlen(last ? last + 1 : text) + 1;
                span->length = 1;
                return;
        }
        span->line -= layout->first_line[i] - 1;
        span->offset -= MIN(layout->offset[i], span->offset);
}

static void move_spans(const struct filter_options *options, const struct layout *layout, struct diag_set *diags) {
        ARRAY_FOREACH(diag, &diags->list) {
                move_span(options, layout, &diag->span);
                if (diag->related_text)
                        move_span(options, layout, &diag->related);
        }
}

static bool is_one_step(const struct policy_set *set) {
        const struct path_node *path = set->paths;

        return set->n_paths == 1 && path->body && !path->body->next && path->body->type == ELEMENT_STEP &&
               !path->body->relations && path->n_captures == 0 && !path->untils && !path->exceptions &&
               set->files && !set->files->next;
}

static const struct policy_options policy_options = {.any_result = true};

/* Can the conditions be asked of this kind? The diags say why not. */
static int check_kind(const struct filter_options *options, enum wire_kind kind, struct diag_set *diags) {
        _cleanup_(policy_set_freep) struct policy_set *set = NULL;
        _cleanup_(strbuf_done) struct strbuf text = {};
        struct layout layout = {};
        int r;

        put_path(options, kind, &layout, &text);
        if (text.error < 0)
                return text.error;
        r = policy_set_parse("filter", text.data, text.n, &policy_options, diags, &set);
        if (r >= 0 && !is_one_step(set))
                r = diag_error(diags, (struct diag_span){.file = "filter", .line = 2, .column = 1, .length = 1},
                               "a filter is conditions and nothing else");
        move_spans(options, &layout, diags);
        return r;
}

/* How much is wrong: of several kinds that none of them fits, the fault is told that was most likely meant: rather one
 * of a kind that has the field, then a slip in its name. */
static size_t badness(const struct diag_set *diags) {
        bool slip = false, no_field = false;

        ARRAY_FOREACH(diag, &diags->list) {
                slip = slip || (diag->hint && strstr(diag->hint, "did you mean"));
                no_field = no_field || strstr(diag->code, "has-no-field");
        }
        return 4 * diags->n_errors + (slip ? 1 : no_field ? 2 : 0);
}

/* Errors only: what is merely unwise in a policy is nothing to say about a question. */
static void put_errors(const struct filter_options *options, const struct diag_set *diags, struct strbuf *messages) {
        struct diag_source sources[FILTER_MAX_CONDITIONS];
        _cleanup_(diag_set_done) struct diag_set errors = {};

        diag_set_init(&errors, 0);
        for (size_t i = 0; i < options->n_conditions; i++)
                sources[i] = (struct diag_source){.file = options->conditions[i].name,
                                                  .text = options->conditions[i].text,
                                                  .n = strlen(options->conditions[i].text)};
        ARRAY_FOREACH(diag, &diags->list) {
                if (diag->severity != DIAG_ERROR)
                        continue;
                diag_error(&errors, diag->span, "%s", diag->text);
                if (diag->hint)
                        diag_hint(&errors, "%s", diag->hint);
                if (diag->related_text)
                        diag_related(&errors, diag->related, "%s", diag->related_text);
        }
        diag_set_put_text(&errors, sources, options->n_conditions, messages);
}

/* Which of the kinds are meant: all that were named, or all that can be. */
static int choose_kinds(const struct filter_options *options, struct strbuf *messages, uint64_t *ret) {
        _cleanup_(diag_set_done) struct diag_set best = {};
        uint64_t kinds = 0;
        bool any_worst = false;

        for (int kind = WIRE_NONE + 1; kind < _WIRE_KIND_MAX; kind++) {
                const struct kind_info *info = schema_kind((enum wire_kind)kind);
                struct diag_set diags;
                int r;

                if (options->kinds ? !(options->kinds & wire_kind_bit(kind)) : !info || info->class == EVENT_META)
                        continue;
                diag_set_init(&diags, 0);
                r = check_kind(options, (enum wire_kind)kind, &diags);
                if (r >= 0)
                        kinds |= wire_kind_bit(kind);
                if (r == -EBADMSG && (!any_worst || badness(&diags) < badness(&best))) {
                        diag_set_done(&best);
                        best = diags;
                        any_worst = true;
                } else
                        diag_set_done(&diags);
                if (r < 0 && r != -EBADMSG)
                        return r;
        }
        if (any_worst && (kinds == 0 || options->kinds)) {
                put_errors(options, &best, messages);
                return messages->error < 0 ? messages->error : -EBADMSG;
        }
        *ret = kinds;
        return 0;
}

int filter_compile(const struct filter_options *options, struct strbuf *messages, struct program **ret) {
        _cleanup_(policy_set_freep) struct policy_set *set = NULL;
        _cleanup_(diag_set_done) struct diag_set diags = {};
        _cleanup_(strbuf_done) struct strbuf text = {};
        struct layout layout;
        uint64_t kinds;
        int r;

        assert(options->n_conditions <= FILTER_MAX_CONDITIONS);

        r = choose_kinds(options, messages, &kinds);
        if (r < 0)
                return r;
        for (int kind = WIRE_NONE + 1; kind < _WIRE_KIND_MAX; kind++)
                if (kinds & wire_kind_bit(kind))
                        put_path(options, (enum wire_kind)kind, &layout, &text);
        if (text.error < 0)
                return text.error;

        /* Each was looked at alone: what is left to go wrong are the compiler's bounds, which name no place. */
        diag_set_init(&diags, 0);
        r = policy_set_parse("filter", strbuf_str(&text), text.n, &policy_options, &diags, &set);
        if (r >= 0)
                r = compile_policies(set, NULL, &diags, ret);
        if (r == -EBADMSG)
                put_errors(options, &diags, messages);
        return r;
}

bool filter_add_kinds(const char *names, uint64_t *kinds, struct strbuf *messages) {
        for (const char *at = names, *end; at; at = *end ? end + 1 : NULL) {
                const char *known[_WIRE_KIND_MAX], *meant;
                enum wire_kind kind;
                size_t n = 0, length;

                end = strchrnul(at, ',');
                length = (size_t)(end - at);
                kind = schema_find_kind(at, length);
                if (kind != WIRE_NONE && schema_kind(kind)->class != EVENT_META) {
                        *kinds |= wire_kind_bit(kind);
                        continue;
                }
                for (int k = WIRE_NONE + 1; k < _WIRE_KIND_MAX; k++)
                        if (schema_kind((enum wire_kind)k) && schema_kind((enum wire_kind)k)->class != EVENT_META)
                                known[n++] = schema_kind((enum wire_kind)k)->name;
                meant = diag_closest_n(at, length, known, n);
                strbuf_put(messages, "there is no kind of event '");
                strbuf_put_text(messages, at, length);
                if (meant)
                        strbuf_printf(messages, "'; did you mean '%s'?", meant);
                else {
                        strbuf_put(messages, "'; there are");
                        for (size_t i = 0; i < n; i++)
                                strbuf_printf(messages, "%s %s", i > 0 ? "," : "", known[i]);
                }
                return false;
        }
        return true;
}
