/* SPDX-License-Identifier: Apache-2.0 */
#include "import/sigma.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "compile/compile.h"
#include "import/sigma-policy.h"
#include "import/sigma-private.h"
#include "policy/policy-set.h"

#define ARENA_MAX_BYTES ((size_t)1 << 30)

static const struct yaml_rules sigma_yaml = {
        .max_depth = 16,
        .max_nodes = 65536,
        .has_aliases = true,
        .has_documents = true,
        .has_hidden = true,
};

static const struct {
        const char *name, *doc;
} classes[_SIGMA_CLASS_MAX] = {
#define SIGMA_CLASS(id, name, doc) [SIGMA_##id] = {name, doc},
#include "import/sigma-classes.def"
};

const char *sigma_class_to_string(enum sigma_class class) {
        return class < _SIGMA_CLASS_MAX ? classes[class].name : NULL;
}

const char *sigma_class_doc(enum sigma_class class) {
        return class < _SIGMA_CLASS_MAX ? classes[class].doc : NULL;
}

const char *sigma_outcome_to_string(enum sigma_outcome outcome) {
        switch (outcome) {
        case SIGMA_WHOLE: return "whole";
        case SIGMA_PART: return "part";
        case SIGMA_REFUSED: return "refused";
        case SIGMA_FOREIGN: return "foreign";
        }
        return NULL;
}

void sigma_run_init(struct sigma_run *run, const struct sigma_options *options) {
        *run = (struct sigma_run){.options = options ? *options : (struct sigma_options){}};
        arena_init(&run->arena, ARENA_MAX_BYTES);
        hashmap_init(&run->names);
}

void sigma_run_done(struct sigma_run *run) {
        array_done(&run->rules);
        hashmap_done(&run->names);
        arena_done(&run->arena);
}

/* ---- reasons ---- */

static bool same_place(const struct diag_span *a, const struct diag_span *b) {
        return a->line == b->line && a->column == b->column && a->length == b->length;
}

static void add_reason(struct sigma_work *w, enum sigma_class class, bool is_remark, struct diag_span span,
                       const char *fmt, va_list ap) {
        struct sigma_rule *rule = w->rule;
        const char *text = arena_vprintf(w->arena, fmt, ap);

        if (!rule->reasons)
                rule->reasons = arena_new_array(w->arena, struct sigma_reason, SIGMA_MAX_REASONS);
        if (!text || !rule->reasons) {
                w->error = -ENOMEM;
                return;
        }
        for (size_t i = 0; i < rule->n_reasons; i++)
                if (rule->reasons[i].class == class && same_place(&rule->reasons[i].span, &span) &&
                    streq(rule->reasons[i].text, text))
                        return;
        if (rule->n_reasons == SIGMA_MAX_REASONS) {
                rule->n_more_reasons++;
                return;
        }
        rule->reasons[rule->n_reasons++] =
                (struct sigma_reason){.class = class, .is_remark = is_remark, .span = span, .text = text};
}

void sigma_reason(struct sigma_work *w, enum sigma_class class, bool is_remark, struct diag_span span, const char *fmt,
                  ...) {
        va_list ap;

        va_start(ap, fmt);
        add_reason(w, class, is_remark, span, fmt, ap);
        va_end(ap);
}

void sigma_hint(struct sigma_work *w, const char *fmt, ...) {
        struct sigma_rule *rule = w->rule;
        va_list ap;

        if (w->error < 0 || rule->n_reasons == 0)
                return;
        va_start(ap, fmt);
        rule->reasons[rule->n_reasons - 1].hint = arena_vprintf(w->arena, fmt, ap);
        va_end(ap);
}

struct sigma_expr *sigma_count(struct sigma_work *w, struct sigma_expr *expr) {
        if (!expr && !w->broken)
                w->error = -ENOMEM;
        if (expr && ++w->n_exprs > SIGMA_MAX_EXPRS)
                return sigma_break(w, SIGMA_SIZE, w->rule->span, "more than %d comparisons", SIGMA_MAX_EXPRS);
        return expr;
}

struct sigma_expr *sigma_leave_out(struct sigma_work *w, enum sigma_class class, bool negated, struct diag_span span,
                                   const char *fmt, ...) {
        va_list ap;

        va_start(ap, fmt);
        add_reason(w, class, false, span, fmt, ap);
        va_end(ap);
        w->incomplete = true;
        return sigma_count(w, sigma_expr_constant(w->arena, negated));
}

struct sigma_expr *sigma_impossible(struct sigma_work *w, bool negated, struct diag_span span, const char *fmt, ...) {
        va_list ap;

        va_start(ap, fmt);
        add_reason(w, SIGMA_NEVER, negated, span, fmt, ap);
        va_end(ap);
        w->incomplete |= !negated;
        return sigma_count(w, sigma_expr_constant(w->arena, false));
}

struct sigma_expr *sigma_break(struct sigma_work *w, enum sigma_class class, struct diag_span span, const char *fmt,
                               ...) {
        va_list ap;

        va_start(ap, fmt);
        add_reason(w, class, false, span, fmt, ap);
        va_end(ap);
        w->broken = true;
        return NULL;
}

const struct yaml_node *sigma_get(const struct yaml_node *mapping, const char *key) {
        for (const struct yaml_node *m = mapping->first; m; m = m->next)
                if (streq(m->key->text, key))
                        return m;
        return NULL;
}

void sigma_rule_report(const struct sigma_rule *rule, struct diag_set *diags) {
        enum diag_severity severity = rule->outcome == SIGMA_REFUSED ? DIAG_ERROR : DIAG_WARNING;

        for (size_t i = 0; i < rule->n_reasons; i++) {
                const struct sigma_reason *reason = &rule->reasons[i];

                if (reason->is_remark)
                        diag_note(diags, reason->span, "%s", reason->text);
                else if (rule->outcome == SIGMA_FOREIGN)
                        diag_note(diags, reason->span, "not imported: %s", reason->text);
                else if (severity == DIAG_ERROR)
                        diag_error(diags, reason->span, "refused: %s", reason->text);
                else
                        diag_warning(diags, reason->span, "left out: %s", reason->text);
                if (reason->hint)
                        diag_hint(diags, "%s", reason->hint);
        }
        if (rule->n_more_reasons > 0)
                diag_note(diags, rule->span, "%zu more reasons in this rule", rule->n_more_reasons);
}

/* ---- one rule ---- */

static const char *text_of(const struct yaml_node *mapping, const char *key) {
        const struct yaml_node *value = sigma_get(mapping, key);

        return value && value->type == YAML_SCALAR && value->n > 0 ? value->text : NULL;
}

/* Is it about what we see? If so in *ret which views; 0 foreign. */
static size_t read_logsource(struct sigma_work *w, const struct yaml_node *root, enum sigma_view ret[2]) {
        const struct yaml_node *source = sigma_get(root, "logsource");
        const char *category, *product, *service;

        if (!source || source->type != YAML_MAPPING) {
                sigma_break(w, SIGMA_FORM, source ? source->span : root->span, "the rule has no 'logsource'");
                return 0;
        }
        category = text_of(source, "category");
        product = text_of(source, "product");
        service = text_of(source, "service");

        if (product && strcasecmp(product, "linux") != 0)
                sigma_break(w, SIGMA_LOGSOURCE, source->span, "a rule for '%.*s'", SIGMA_SHOWN, product);
        else if (service)
                sigma_break(w, SIGMA_LOGSOURCE, source->span, "a rule for the log of '%.*s'", SIGMA_SHOWN, service);
        else if (category && streq(category, "process_creation")) {
                ret[0] = SIGMA_VIEW_EXEC;
                return 1;
        } else if (category && streq(category, "network_connection")) {
                ret[0] = SIGMA_VIEW_CONNECT;
                return 1;
        } else if (category && streq(category, "file_event")) {
                ret[0] = SIGMA_VIEW_OPEN;
                ret[1] = SIGMA_VIEW_RENAME;
                return w->options->renames ? 2 : 1;
        } else
                sigma_break(w, SIGMA_LOGSOURCE, source->span, "a rule of the category '%.*s'", SIGMA_SHOWN,
                            category ? category : "");
        w->rule->outcome = SIGMA_FOREIGN;
        return 0;
}

/* The last part of the file's name without its ending, in letters that need no quotes. */
static const char *base_name(struct arena *arena, const char *file) {
        const char *slash = strrchr(file, '/'), *start = slash ? slash + 1 : file, *dot;
        char *name;
        size_t n;

        dot = strrchr(start, '.');
        n = dot && dot > start ? (size_t)(dot - start) : strlen(start);
        n = MIN(n, (size_t)100);
        name = arena_strndup(arena, start, n);
        if (!name)
                return NULL;
        for (size_t i = 0; i < n; i++)
                if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.", name[i]))
                        name[i] = '_';
        return n > 0 ? name : "rule";
}

static int give_name(struct sigma_run *run, const char *file, struct sigma_rule *rule) {
        const char *base = base_name(&run->arena, file), *name = base;
        int r = -ENOMEM;

        for (unsigned i = 2; name; i++) {
                r = hashmap_put_str(&run->names, name, rule);
                if (r != -EEXIST)
                        break;
                name = arena_printf(&run->arena, "%s_%u", base, i);
                r = -ENOMEM;
        }
        rule->name = name;
        return r;
}

/* What came out must go in: through checker and compiler. */
static int check_policy(struct sigma_work *w) {
        const struct policy_options options = {.trust_any_owner = true};
        const char *text = w->rule->policy;
        struct program *program = NULL;
        struct policy_set *set = NULL;
        struct diag_set diags;
        int r;

        diag_set_init(&diags, 0);
        r = policy_set_parse(w->rule->name, text, strlen(text), &options, &diags, &set);
        if (r >= 0)
                r = compile_policies(set, NULL, &diags, &program);
        for (size_t i = 0; r == -EBADMSG && i < diags.list.n; i++)
                if (diags.list.items[i].severity == DIAG_ERROR)
                        sigma_reason(w, SIGMA_POLICY, false, w->rule->span, "line %u of the policy: %s",
                                     diags.list.items[i].span.line, diags.list.items[i].text);
        if (program)
                program_unref(program);
        policy_set_free(set);
        diag_set_done(&diags);
        if (r == -EBADMSG) {
                w->rule->policy = NULL;
                return 0;
        }
        return r;
}

static void translate(struct sigma_work *w, const struct yaml_node *root, struct sigma_document *document) {
        const struct yaml_node *detection = sigma_get(root, "detection");
        enum sigma_view views[2];
        size_t n_views;

        n_views = read_logsource(w, root, views);
        if (n_views == 0)
                return;
        if (!detection || detection->type != YAML_MAPPING || !detection->first) {
                sigma_break(w, SIGMA_FORM, detection ? detection->span : root->span, "the rule has no 'detection'");
                return;
        }
        if (sigma_get(detection, "timeframe"))
                sigma_reason(w, SIGMA_AGGREGATION, true, sigma_get(detection, "timeframe")->span,
                             "a timeframe says nothing without something to count");

        for (size_t i = 0; i < n_views; i++) {
                struct sigma_expr *expr;

                w->view = views[i];
                expr = sigma_condition(w, detection);
                if (!expr)
                        return;
                document->steps[document->n_steps].view = views[i];
                document->steps[document->n_steps].expr = expr;
                document->n_steps += expr->type != SIGMA_EXPR_NEVER;
        }
        if (document->n_steps == 0 && !w->incomplete)
                sigma_break(w, SIGMA_NEVER, sigma_get(detection, "condition")->span, "this can never be true");
}

/* Why this document is no rule, if it is none. */
static bool is_other_document(struct sigma_work *w, const struct yaml_node *root) {
        static const struct {
                const char *key, *what;
        } others[] = {
                {"correlation", "a correlation: write its story as a path of several steps"},
                {"filter", "a filter for other rules: write an 'except' into their policies"},
                {"action", "a part of a collection ('action: global'): write each rule as a whole"},
        };

        if (root->type != YAML_MAPPING) {
                sigma_break(w, SIGMA_FORM, root->span, "a rule must stand here, and not %s",
                            yaml_type_to_string(root->type));
                return true;
        }
        for (size_t i = 0; i < ELEMENTSOF(others); i++)
                if (sigma_get(root, others[i].key)) {
                        sigma_break(w, SIGMA_META, sigma_get(root, others[i].key)->key->span, "this is %s",
                                    others[i].what);
                        return true;
                }
        return false;
}

static int import_rule(struct sigma_run *run, const char *file, const struct yaml_node *root, struct sigma_rule *rule) {
        struct sigma_work w = {.arena = &run->arena, .options = &run->options, .rule = rule};
        struct sigma_document document = {.root = root};
        int r;

        rule->outcome = SIGMA_REFUSED;
        rule->span = root->span;
        if (is_other_document(&w, root))
                return w.error;
        rule->title = text_of(root, "title");
        rule->id = text_of(root, "id");

        translate(&w, root, &document);
        if (w.error < 0)
                return w.error;
        if (w.broken || document.n_steps == 0)
                return 0;

        r = give_name(run, file, rule);
        if (r < 0)
                return r;
        r = sigma_policy_write(&w, &document);
        if (r >= 0)
                r = check_policy(&w);
        if (r < 0)
                return r;
        if (rule->policy)
                rule->outcome = w.incomplete ? SIGMA_PART : SIGMA_WHOLE;
        return 0;
}

static bool is_empty(const struct yaml_node *root) {
        return root->type == YAML_SCALAR && root->is_plain && root->n == 0;
}

int sigma_run_file(struct sigma_run *run, const char *name, const char *text, size_t n, struct diag_set *diags) {
        struct diag_span whole = {.file = name};
        struct yaml_node *root = NULL;
        int r, q;

        assert(run && name && diags);

        if (n > SIGMA_MAX_FILE_BYTES)
                return diag_error(diags, whole, "larger than %zu bytes", SIGMA_MAX_FILE_BYTES);
        name = arena_strdup(&run->arena, name);
        if (!name)
                return -ENOMEM;
        r = yaml_read_by(&sigma_yaml, name, text, n, &run->arena, diags, &root);
        if (r < 0 && r != -EBADMSG)
                return r;

        for (; root; root = root->next) {
                struct sigma_rule *rule;

                if (is_empty(root))
                        continue;
                if (run->rules.n == SIGMA_MAX_RULES)
                        return diag_error(diags, root->span, "more than %d rules", SIGMA_MAX_RULES);
                rule = arena_new(&run->arena, struct sigma_rule);
                if (!rule || array_push(&run->rules, rule) < 0)
                        return -ENOMEM;
                q = import_rule(run, name, root, rule);
                if (q < 0)
                        return q;
                run->n_outcomes[rule->outcome]++;
        }
        return r;
}
