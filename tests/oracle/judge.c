/* SPDX-License-Identifier: Apache-2.0 */
#include "judge.h"

#include <ctype.h>
#include <netinet/in.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "compile/pattern.h"
#include "program/regex.h"

static enum truth truth_of(bool answer) {
        return answer ? TRUTH_TRUE : TRUTH_FALSE;
}

/* ---- strings: `p` is what is known, `cut` that more may follow ---- */

static bool same_bytes(const char *a, const char *b, size_t n, bool fold) {
        for (size_t i = 0; i < n; i++)
                if (fold ? tolower((unsigned char)a[i]) != tolower((unsigned char)b[i]) : a[i] != b[i])
                        return false;
        return true;
}

static bool begins(const char *text, size_t n, const char *with, size_t n_with, bool fold) {
        return n >= n_with && same_bytes(text, with, n_with, fold);
}

static enum truth string_equal(const struct value *p, const struct text *c, bool fold) {
        if (p->state == VALUE_CUT)
                return begins(c->bytes, c->length, p->bytes, p->length, fold) ? TRUTH_UNKNOWN : TRUTH_FALSE;
        return truth_of(p->length == c->length && same_bytes(p->bytes, c->bytes, c->length, fold));
}

static enum truth string_starts(const struct value *p, const struct text *c, bool fold) {
        if (begins(p->bytes, p->length, c->bytes, c->length, fold))
                return TRUTH_TRUE;
        return p->state == VALUE_CUT && begins(c->bytes, c->length, p->bytes, p->length, fold) ? TRUTH_UNKNOWN
                                                                                               : TRUTH_FALSE;
}

static enum truth string_ends(const struct value *p, const struct text *c, bool fold) {
        if (c->length == 0)
                return TRUTH_TRUE;
        if (p->state == VALUE_CUT)
                return TRUTH_UNKNOWN;
        return truth_of(p->length >= c->length &&
                        same_bytes(p->bytes + p->length - c->length, c->bytes, c->length, fold));
}

static enum truth string_contains(const struct value *p, const struct text *c, bool fold) {
        for (size_t i = 0; i + c->length <= p->length; i++)
                if (same_bytes(p->bytes + i, c->bytes, c->length, fold))
                        return TRUTH_TRUE;
        return p->state == VALUE_CUT ? TRUTH_UNKNOWN : TRUTH_FALSE;
}

/* One member of a set at `g`, behind it *ret; `\x` and `x-y`. */
static bool set_has(const char *g, const char *end, const char **ret, char c) {
        bool negated = false, found = false;

        g++;
        if (g < end && (*g == '!' || *g == '^')) {
                negated = true;
                g++;
        }
        for (bool first = true; g < end && (*g != ']' || first); first = false) {
                unsigned char low, high;

                if (*g == '\\' && g + 1 < end)
                        g++;
                low = high = (unsigned char)*g++;
                if (g + 1 < end && *g == '-' && g[1] != ']') {
                        g++;
                        if (*g == '\\' && g + 1 < end)
                                g++;
                        high = (unsigned char)*g++;
                }
                found |= (unsigned char)c >= low && (unsigned char)c <= high;
        }
        *ret = g + 1;
        return found != negated && c != '/';
}

static bool set_is_closed(const char *g, const char *end) {
        const char *after = end;

        set_has(g, end, &after, 'x');
        return after <= end;
}

enum reach { GLOB_NO, GLOB_REACHES, GLOB_MATCHES };     /* reaches: used up the text without a contradiction */

static enum reach glob_try(const char *g, const char *g_end, const char *s, const char *s_end) {
        enum reach best = GLOB_NO;

        for (; g < g_end; g++) {
                if (g[0] == '*') {
                        bool across = g + 1 < g_end && g[1] == '*';
                        const char *rest = g + (across ? 2 : 1);

                        for (;; s++) {
                                enum reach r = glob_try(rest, g_end, s, s_end);

                                best = r > best ? r : best;
                                if (s == s_end)
                                        return best > GLOB_REACHES ? best : GLOB_REACHES;
                                if (best == GLOB_MATCHES || (!across && *s == '/'))
                                        return best;
                        }
                }
                if (s == s_end)
                        return GLOB_REACHES;
                if (g[0] == '?') {
                        if (*s++ == '/')
                                return GLOB_NO;
                } else if (g[0] == '[' && set_is_closed(g, g_end)) {
                        const char *after;

                        if (!set_has(g, g_end, &after, *s++))
                                return GLOB_NO;
                        g = after - 1;
                } else {
                        if (g[0] == '\\' && g + 1 < g_end)
                                g++;
                        if (*g != *s++)
                                return GLOB_NO;
                }
        }
        return s == s_end ? GLOB_MATCHES : GLOB_NO;
}

static enum truth string_glob(const struct value *p, const struct text *c) {
        enum reach reach = glob_try(c->bytes, c->bytes + c->length, p->bytes, p->bytes + p->length);

        if (p->state != VALUE_CUT)
                return truth_of(reach == GLOB_MATCHES);
        if (reach == GLOB_MATCHES && c->length >= 2 && memcmp(c->bytes + c->length - 2, "**", 2) == 0)
                return TRUTH_TRUE;
        return reach == GLOB_NO ? TRUTH_FALSE : TRUTH_UNKNOWN;
}

/* Of a cut text a regex says what the string comparisons say that it is known to be equal to, if it is. Which these are
 * only the compiler can tell; of whole texts it is not asked, so that PCRE2 has the word on what it made of the regex.
 */
static enum truth cut_string_regex(const struct value *p, const struct text *regex) {
        enum truth answer = TRUTH_FALSE;
        struct pattern pattern;
        struct arena arena;

        arena_init(&arena, 0);
        if (pattern_read(&arena, *regex, &pattern) < 0 || pattern.n_parts == 0)
                answer = TRUTH_UNKNOWN;
        else
                for (size_t i = 0; i < pattern.n_parts; i++) {
                        const struct text *text = &pattern.parts[i].text;

                        switch ((int)pattern.parts[i].op) {
                        case PREDICATE_STRING: answer = truth_or(answer, string_equal(p, text, false)); break;
                        case PREDICATE_PREFIX: answer = truth_or(answer, string_starts(p, text, false)); break;
                        case PREDICATE_SUFFIX: answer = truth_or(answer, string_ends(p, text, false)); break;
                        case PREDICATE_CONTAINS: answer = truth_or(answer, string_contains(p, text, false)); break;
                        case PREDICATE_STRING_FOLD: answer = truth_or(answer, string_equal(p, text, true)); break;
                        case PREDICATE_PREFIX_FOLD: answer = truth_or(answer, string_starts(p, text, true)); break;
                        case PREDICATE_SUFFIX_FOLD: answer = truth_or(answer, string_ends(p, text, true)); break;
                        case PREDICATE_CONTAINS_FOLD: answer = truth_or(answer, string_contains(p, text, true)); break;
                        default: answer = truth_or(answer, string_glob(p, text)); break;
                        }
                }
        arena_done(&arena);
        return answer;
}

static enum truth string_regex(const struct value *p, const struct text *pattern) {
        struct regex *regex;
        const char *message;
        enum truth answer;
        size_t offset;

        if (p->state == VALUE_CUT)
                return cut_string_regex(p, pattern);
        if (regex_new(pattern->bytes, pattern->length, false, &regex, &message, &offset) < 0)
                return TRUTH_UNKNOWN;
        answer = regex_match(regex, p->bytes, p->length);
        regex_free(regex);
        return answer;
}

/* ---- addresses ---- */

/* ::ffff:a.b.c.d is a.b.c.d. */
static struct wire_address unmapped(struct wire_address a) {
        struct wire_address b = { .family = AF_INET };

        if (a.family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)a.bytes))
                return a;
        memcpy(b.bytes, a.bytes + 12, 4);
        return b;
}

static enum truth address_in(const struct value *v, const struct program_network *network) {
        struct wire_address a = unmapped(v->address);

        if (a.family != network->address.family)
                return TRUTH_FALSE;
        for (unsigned bit = 0; bit < network->prefix && bit < (a.family == AF_INET ? 32U : 128U); bit++)
                if ((a.bytes[bit / 8] ^ network->address.bytes[bit / 8]) & 0x80 >> bit % 8)
                        return TRUTH_FALSE;
        return TRUTH_TRUE;
}

/* ---- any value with a constant or a capture ---- */

bool value_same(const struct value *a, const struct value *b) {
        struct wire_address x, y;

        if (a->state == VALUE_UNKNOWN || b->state == VALUE_UNKNOWN)
                return a->state == b->state;
        if (a->type != b->type || a->state != b->state)
                return false;
        switch ((enum value_type)a->type) {
        case VALUE_NUMBER:
                return a->number == b->number;
        case VALUE_STRING:
        case VALUE_LIST:
                return a->length == b->length && same_bytes(a->bytes, b->bytes, a->length, false);
        case VALUE_OBJECT:
                return a->object.device == b->object.device && a->object.inode == b->object.inode &&
                       a->object.generation == b->object.generation;
        case VALUE_ADDRESS:
                x = unmapped(a->address);
                y = unmapped(b->address);
                return x.family == y.family && memcmp(x.bytes, y.bytes, x.family == AF_INET ? 4 : 16) == 0;
        case VALUE_IDENTITY:
                return a->identity.pid == b->identity.pid && a->identity.start_ns == b->identity.start_ns;
        case _VALUE_TYPE_MAX:
                break;
        }
        return false;
}

static enum truth compare_numbers(int64_t a, enum compare_op op, int64_t b) {
        switch ((int)op) {
        case COMPARE_LESS: return truth_of(a < b);
        case COMPARE_LESS_EQUAL: return truth_of(a <= b);
        case COMPARE_GREATER: return truth_of(a > b);
        case COMPARE_GREATER_EQUAL: return truth_of(a >= b);
        case COMPARE_BITS_ANY: return truth_of((a & b) != 0);
        case COMPARE_BITS_ALL: return truth_of((a & b) == b);
        case COMPARE_TRUE: return truth_of(a != 0);
        default: return truth_of(a == b);
        }
}

static enum truth compare_string(const struct value *v, enum compare_op op, const struct text *c) {
        switch ((int)op) {
        case COMPARE_FOLD: return string_equal(v, c, true);
        case COMPARE_GLOB: return string_glob(v, c);
        case COMPARE_STARTSWITH: return string_starts(v, c, false);
        case COMPARE_ENDSWITH: return string_ends(v, c, false);
        case COMPARE_CONTAINS: return string_contains(v, c, false);
        case COMPARE_REGEX: return string_regex(v, c);
        default: return string_equal(v, c, false);
        }
}

/* The positive comparison of one value. */
static enum truth compare(const struct value *v, enum compare_op op, const struct operand *o,
                          const struct bindings *bindings) {
        enum truth answer = TRUTH_FALSE;

        if (o->type == OPERAND_LIST) {
                for (size_t i = 0; i < o->n_items; i++)
                        answer = truth_or(answer, compare(v, op, &o->items[i], bindings));
                return answer;
        }
        if (v->state == VALUE_UNKNOWN)
                return TRUTH_UNKNOWN;
        if (o->type == OPERAND_RUNTIME) /* nobody fills one in a replay */
                return TRUTH_FALSE;

        if (o->type == OPERAND_CAPTURE && op != COMPARE_TRUE) {
                const struct value *bound = bindings ? &bindings->values[o->slot] : NULL;

                if (!bound || bound->state == VALUE_UNKNOWN)
                        return TRUTH_UNKNOWN;
                if (v->type == VALUE_NUMBER)
                        return compare_numbers(v->number, op, bound->number);
                if (v->state == VALUE_CUT)
                        return begins(bound->bytes, bound->length, v->bytes, v->length, false) ? TRUTH_UNKNOWN
                                                                                               : TRUTH_FALSE;
                return truth_of(value_same(v, bound));
        }

        switch ((enum value_type)v->type) {
        case VALUE_NUMBER: return compare_numbers(v->number, op, o->number);
        case VALUE_STRING: return compare_string(v, op, &o->text);
        case VALUE_ADDRESS: return address_in(v, &o->network);
        case VALUE_OBJECT:
        case VALUE_LIST:
        case VALUE_IDENTITY:
        case _VALUE_TYPE_MAX:
                break;
        }
        return TRUTH_FALSE;
}

/* A list as the index says: one element, any element. */
static enum truth compare_list(const struct value *list, int index, enum compare_op op, const struct operand *o,
                               const struct bindings *bindings) {
        enum truth answer = TRUTH_FALSE;
        const char *at = list->bytes ?: "", *end = at + list->length;
        bool any = index == INDEX_ANY || (index == INDEX_NONE && op == COMPARE_CONTAINS);
        enum compare_op element_op = index == INDEX_NONE && op == COMPARE_CONTAINS ? COMPARE_EQUAL : op;

        if (list->state == VALUE_UNKNOWN)
                return TRUTH_UNKNOWN;
        if (index == INDEX_NONE && !any)
                return o->type == OPERAND_CAPTURE ? compare(list, op, o, bindings) : TRUTH_FALSE;

        for (int i = 0; at < end; i++) {
                size_t n = strnlen(at, end - at);
                struct value element = {
                        .type = VALUE_STRING,
                        .bytes = at,
                        .length = n,
                        .state = list->state == VALUE_CUT && at + n + 1 >= end ? VALUE_CUT : VALUE_KNOWN,
                };

                if (any) {
                        enum truth one = compare(&element, element_op, o, bindings);

                        /* Of a cut list only a complete element is certain. */
                        answer = truth_or(answer, element.state == VALUE_CUT ? TRUTH_UNKNOWN : one);
                } else if (i == index)
                        return compare(&element, op, o, bindings);
                at += n + 1;
        }
        return list->state == VALUE_CUT ? truth_or(answer, TRUTH_UNKNOWN) : answer;
}

static bool is_negative(enum compare_op op, enum compare_op *ret_positive) {
        switch ((int)op) {
        case COMPARE_NOT_EQUAL: *ret_positive = COMPARE_EQUAL; return true;
        case COMPARE_NOT_IN: *ret_positive = COMPARE_IN; return true;
        case COMPARE_NOT_REGEX: *ret_positive = COMPARE_REGEX; return true;
        default: *ret_positive = op; return false;
        }
}

/* A comparison whose subject is each creator in turn looks at the `each`-th. */
static enum truth judge_compare(const struct facts *facts, const struct fact *fact, const struct expr *expr,
                                const struct bindings *bindings, size_t each) {
        const struct field_info *info = schema_field(expr->field.field);
        enum truth answer = TRUTH_FALSE;
        enum compare_op op;
        bool negative = is_negative(expr->op, &op);

        /* A field foreign to the kind is known to be absent. */
        if (info->scope != FIELD_EVENT || info->kind == fact->kind) {
                const struct fact_values *values = facts_get(facts, fact, expr->field.field, expr->field.subject);

                for (size_t i = 0; i < values->n; i++) {
                        struct value value = values->values[i];

                        if (expr->field.subject == SUBJECT_EACH && i != each)
                                continue;
                        if (expr->masked && value.state == VALUE_KNOWN)
                                value.number &= expr->mask.number;
                        answer = truth_or(answer, info->type == VALUE_LIST
                                                          ? compare_list(&value, expr->field.index, op, &expr->operand,
                                                                         bindings)
                                                          : compare(&value, op, &expr->operand, bindings));
                }
                if (values->open && expr->field.subject != SUBJECT_EACH)
                        answer = truth_or(answer, TRUTH_UNKNOWN);
        }
        return negative ? truth_not(answer) : answer;
}

static enum truth judge_each(const struct facts *facts, const struct fact *fact, const struct expr *expr,
                             const struct bindings *bindings, size_t each) {
        enum truth answer;

        if (!expr)
                return TRUTH_TRUE;
        switch (expr->type) {
        case EXPR_AND:
                return truth_and(judge_each(facts, fact, expr->left, bindings, each),
                                 judge_each(facts, fact, expr->right, bindings, each));
        case EXPR_OR:
                return truth_or(judge_each(facts, fact, expr->left, bindings, each),
                                judge_each(facts, fact, expr->right, bindings, each));
        case EXPR_NOT: return truth_not(judge_each(facts, fact, expr->left, bindings, each));
        case EXPR_COMPARE: return judge_compare(facts, fact, expr, bindings, each);
        case EXPR_ANCESTOR:
                answer = fact->creators_open ? TRUTH_UNKNOWN : TRUTH_FALSE;
                for (size_t i = 0; i < fact->n_creators; i++)
                        answer = truth_or(answer, judge_each(facts, fact, expr->left, bindings, i));
                return answer;
        }
        return TRUTH_UNKNOWN;
}

enum truth judge(const struct facts *facts, const struct fact *fact, const struct expr *expr,
                 const struct bindings *bindings) {
        return judge_each(facts, fact, expr, bindings, SIZE_MAX);
}

/* ---- steps ---- */

/* What a field holds that is to be bound or counted; a cut value is not decided, so it does not bind. */
static struct value decided(const struct facts *facts, const struct fact *fact, const struct field_ref *field) {
        const struct fact_values *values = facts_get(facts, fact, field->field, field->subject);
        struct value value = {}, element;

        if (values->n == 0)
                return value;
        value = values->values[0];
        if (value.type == VALUE_LIST && field->index != INDEX_NONE) {
                if (!value_list_at(&value, field->index, &element))
                        element.state = VALUE_UNKNOWN;
                value = element;
        }
        if (value.state != VALUE_KNOWN)
                value.state = VALUE_UNKNOWN;
        return value;
}

enum truth judge_repeats(const struct facts *facts, const struct fact *fact, const struct element *step,
                         const struct bindings *bindings) {
        if (fact->kind != step->kind || (fact->failed && !step->any_result && !(step->refusable && fact->refused)))
                return TRUTH_FALSE;
        return judge(facts, fact, step->condition, bindings);
}

enum truth judge_step(const struct facts *facts, const struct fact *fact, const struct element *step,
                      const struct bindings *bindings) {
        enum truth answer = judge_repeats(facts, fact, step, bindings);

        for (const struct capture *c = step->captures; c && answer != TRUTH_FALSE; c = c->next)
                if (!c->hidden && decided(facts, fact, &c->field).state == VALUE_UNKNOWN)
                        answer = TRUTH_UNKNOWN;
        return answer;
}

void judge_bind(const struct facts *facts, const struct fact *fact, const struct element *step,
                struct bindings *bindings) {
        for (const struct capture *c = step->captures; c; c = c->next)
                bindings->values[c->slot] = decided(facts, fact, &c->field);
}

bool judge_counts(const struct facts *facts, const struct fact *fact, const struct element *repeat,
                  const struct element *step, const struct bindings *bindings, struct value *ret) {
        *ret = (struct value){};
        if (judge_step(facts, fact, step, bindings) != TRUTH_TRUE)
                return false;
        if (repeat->has_distinct)
                *ret = decided(facts, fact, &step->distinct_field);
        return !repeat->has_distinct || ret->state == VALUE_KNOWN;
}

/* ---- `until` ---- */

static bool binds_all_of(const struct bindings *bindings, const struct expr *expr) {
        if (!expr)
                return true;
        if (expr->type == EXPR_COMPARE)
                return expr->operand.type != OPERAND_CAPTURE ||
                       bindings->values[expr->operand.slot].state != VALUE_UNKNOWN;
        return binds_all_of(bindings, expr->left) && binds_all_of(bindings, expr->right);
}

enum truth judge_until(const struct facts *facts, const struct fact *fact, const struct path_node *path,
                       const struct bindings *bindings) {
        enum truth answer = TRUTH_FALSE;

        for (const struct element *until = path->untils; until; until = until->next)
                if (binds_all_of(bindings, until->condition))
                        answer = truth_or(answer, judge_step(facts, fact, until, bindings));
        return answer;
}

uint64_t judge_until_kinds(const struct path_node *path, const struct bindings *bindings) {
        uint64_t kinds = 0;

        for (const struct element *until = path->untils; until; until = until->next)
                if (binds_all_of(bindings, until->condition))
                        kinds |= wire_kind_bit(until->kind);
        return kinds;
}

/* ---- `except` ---- */

enum truth judge_hidden(const struct facts *facts, const struct fact *fact, const struct path_node *path) {
        enum truth answer = TRUTH_FALSE;

        for (const struct exception *e = path->exceptions; e; e = e->next)
                if (e->slots == 0 && !e->expired)
                        answer = truth_or(answer, judge(facts, fact, e->condition, NULL));
        return answer;
}

enum truth judge_excepted(const struct facts *facts, const struct fact *fact, const struct path_node *path,
                          const struct bindings *before, const struct bindings *after) {
        enum truth answer = TRUTH_FALSE;

        for (const struct exception *e = path->exceptions; e; e = e->next) {
                bool all_before = true, all_after = true;

                for (unsigned slot = 0; slot < PROGRAM_MAX_SLOTS; slot++)
                        if (e->slots & UINT64_C(1) << slot) {
                                all_before = all_before && before->values[slot].state != VALUE_UNKNOWN;
                                all_after = all_after && after->values[slot].state != VALUE_UNKNOWN;
                        }
                if (e->slots != 0 && !e->expired && all_after && !all_before)
                        answer = truth_or(answer, judge(facts, fact, e->condition, after));
        }
        return answer;
}

bool bindings_equal(const struct bindings *a, const struct bindings *b) {
        for (size_t i = 0; i < PROGRAM_MAX_SLOTS; i++)
                if (!value_same(&a->values[i], &b->values[i]))
                        return false;
        return true;
}
