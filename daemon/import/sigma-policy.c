/* SPDX-License-Identifier: Apache-2.0 */
#include "import/sigma-policy.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "import/sigma-text.h"

#define COMMENT_WIDTH 112
#define TECHNIQUES_MAX 64
#define COMMENT_LINES_MAX 400

/* Text that somebody wrote as a comment: harmless, in lines that are not too long. */
static void put_comment(const char *first, const char *text, struct strbuf *b) {
        size_t indent = strlen(first), lines = 0;

        for (const char *at = text; *at && lines < COMMENT_LINES_MAX; lines++) {
                size_t n = strcspn(at, "\n"), cut = n;

                if (n + indent > COMMENT_WIDTH) {
                        for (cut = COMMENT_WIDTH - indent; cut > COMMENT_WIDTH / 2 && at[cut] != ' '; cut--)
                                ;
                        if (at[cut] != ' ')             /* one long word, like a link */
                                cut = strcspn(at, " \n");
                        cut = MIN(cut, n);
                }
                strbuf_put(b, "# ");
                if (lines == 0)
                        strbuf_put(b, first);
                else
                        strbuf_put_repeat(b, ' ', indent);
                strbuf_put_text(b, at, cut);
                strbuf_put_char(b, '\n');
                at += cut;
                while (*at == ' ' || *at == '\n')
                        at++;
        }
}

static void put_field(const struct yaml_node *root, const char *key, const char *label, struct strbuf *b) {
        const struct yaml_node *value = sigma_get(root, key);

        if (!value || value->type == YAML_MAPPING)
                return;
        if (value->type == YAML_SCALAR) {
                if (value->n > 0)
                        put_comment(label, value->text, b);
                return;
        }
        for (const struct yaml_node *v = value->first; v; v = v->next)
                if (v->type == YAML_SCALAR && v->n > 0)
                        put_comment(label, v->text, b);
}

static void put_header(struct sigma_work *w, const struct yaml_node *root, struct strbuf *b) {
        const struct sigma_rule *rule = w->rule;

        if (rule->title)
                put_comment("", rule->title, b);
        put_field(root, "description", "", b);
        strbuf_put(b, "#\n");
        strbuf_put(b, "# made from a Sigma rule\n");
        put_field(root, "id", "id: ", b);
        put_field(root, "status", "status: ", b);
        put_field(root, "author", "author: ", b);
        put_field(root, "date", "date: ", b);
        put_field(root, "modified", "modified: ", b);
        put_field(root, "license", "license: ", b);
        put_field(root, "references", "reference: ", b);
        put_field(root, "falsepositives", "false positives: ", b);

        for (size_t i = 0; i < rule->n_reasons; i++) {
                _cleanup_(strbuf_done) struct strbuf line = {};

                strbuf_printf(&line, "line %u: %s", rule->reasons[i].span.line, rule->reasons[i].text);
                if (line.error < 0 && b->error == 0)
                        b->error = line.error;
                put_comment(rule->reasons[i].is_remark ? "note: " : "left out: ", strbuf_str(&line), b);
        }
}

static const char *severity_of(struct sigma_work *w, const struct yaml_node *root) {
        static const char *const levels[][2] = {
                {"informational", "info"}, {"low", "low"},           {"medium", "medium"},
                {"high", "high"},          {"critical", "critical"},
        };
        const struct yaml_node *level = sigma_get(root, "level");

        if (!level || level->type != YAML_SCALAR)
                return "medium";
        for (size_t i = 0; i < ELEMENTSOF(levels); i++)
                if (strcasecmp(level->text, levels[i][0]) == 0)
                        return levels[i][1];
        sigma_reason(w, SIGMA_FORM, true, level->span, "unknown level '%.*s': taken as medium", SIGMA_SHOWN,
                     level->text);
        return "medium";
}

/* attack.t1059.004 */
static bool is_technique(const char *tag) {
        static const char prefix[] = "attack.t";
        size_t n = strlen(tag), at = sizeof(prefix) - 1;

        if (strncasecmp(tag, prefix, at) != 0 || (n != at + 4 && n != at + 8))
                return false;
        for (size_t i = at; i < n; i++)
                if (i == at + 4 ? tag[i] != '.' : tag[i] < '0' || tag[i] > '9')
                        return false;
        return true;
}

static void put_tags(const struct yaml_node *root, struct strbuf *techniques, struct strbuf *others) {
        const struct yaml_node *tags = sigma_get(root, "tags");
        size_t n = 0;

        if (!tags || tags->type != YAML_SEQUENCE)
                return;
        for (const struct yaml_node *tag = tags->first; tag; tag = tag->next) {
                if (tag->type != YAML_SCALAR || tag->n == 0)
                        continue;
                if (!is_technique(tag->text)) {
                        strbuf_printf(others, "%s%s", others->n > 0 ? ", " : "", tag->text);
                        continue;
                }
                if (n++ < TECHNIQUES_MAX)
                        strbuf_printf(techniques, "%s\"T%s\"", techniques->n > 0 ? ", " : "",
                                      tag->text + strlen("attack.t"));
        }
}

static void put_step(struct sigma_work *w, enum sigma_view view, const struct sigma_expr *expr, unsigned indent,
                     struct strbuf *b) {
        static const char *const kinds[] = {
                [SIGMA_VIEW_ALL] = "",
                [SIGMA_VIEW_EXEC] = "execve",
                [SIGMA_VIEW_OPEN] = "openat",
                [SIGMA_VIEW_RENAME] = "rename",
                [SIGMA_VIEW_CONNECT] = "connect",
        };

        (void)w;
        strbuf_put_repeat(b, ' ', indent);
        strbuf_printf(b, "%s {\n", kinds[view]);
        /* Log records of these categories are about files that were made or emptied, and about the internet. */
        if (view == SIGMA_VIEW_OPEN) {
                strbuf_put_repeat(b, ' ', indent + 4);
                strbuf_put(b, "(created or flags & O_TRUNC)\n");
        }
        if (view == SIGMA_VIEW_CONNECT) {
                strbuf_put_repeat(b, ' ', indent + 4);
                strbuf_put(b, "family in [AF_INET, AF_INET6]\n");
        }
        if (expr->type != SIGMA_EXPR_ALWAYS)
                sigma_expr_print(expr, indent + 4, b);
        strbuf_put_repeat(b, ' ', indent);
        strbuf_put(b, "}\n");
}

int sigma_policy_write(struct sigma_work *w, const struct sigma_document *document) {
        _cleanup_(strbuf_done) struct strbuf b = {}, techniques = {}, others = {};
        const char *severity = severity_of(w, document->root), *title = w->rule->title, *quoted;

        put_header(w, document->root, &b);
        put_tags(document->root, &techniques, &others);
        if (others.n > 0)
                put_comment("tags: ", strbuf_str(&others), &b);

        strbuf_printf(&b, "path \"%s\" {\n", w->rule->name);
        if (title) {
                quoted = sigma_text_quote(w->arena, title, strlen(title));
                if (!quoted)
                        return -ENOMEM;
                strbuf_printf(&b, "    description = %s\n", quoted);
        }
        /* In columns, as `execrayctl fmt` has them. */
        strbuf_printf(&b, "    %-*s = %s\n", title ? 11 : techniques.n > 0 ? 8 : 0, "severity", severity);
        if (techniques.n > 0)
                strbuf_printf(&b, "    %-*s = [%s]\n", title ? 11 : 8, "mitre", strbuf_str(&techniques));
        strbuf_put_char(&b, '\n');

        if (document->n_steps > 1)
                strbuf_put(&b, "    any {\n");
        for (size_t i = 0; i < document->n_steps; i++)
                put_step(w, document->steps[i].view, document->steps[i].expr, document->n_steps > 1 ? 8 : 4, &b);
        if (document->n_steps > 1)
                strbuf_put(&b, "    }\n");
        strbuf_put(&b, "}\n");

        if (b.error < 0 || techniques.error < 0 || others.error < 0 || w->error < 0)
                return -ENOMEM;
        w->rule->policy = arena_strndup(w->arena, strbuf_str(&b), b.n);
        return w->rule->policy ? 0 : -ENOMEM;
}
