/* SPDX-License-Identifier: Apache-2.0 */
/* Values of fields that hold numbers, addresses, users, protocols. */
#include <arpa/inet.h>
#include <errno.h>
#include <strings.h>

#include "base/parse.h"
#include "import/sigma-private.h"
#include "import/sigma-text.h"

struct scalars {
        struct sigma_work *w;
        const struct sigma_field *field;
        const struct sigma_modifiers *modifiers;
        bool negated;
};

static int read_truth(const struct yaml_node *value) {
        if (strcasecmp(value->text, "true") == 0 || strcasecmp(value->text, "yes") == 0)
                return 1;
        if (strcasecmp(value->text, "false") == 0 || strcasecmp(value->text, "no") == 0)
                return 0;
        return -EINVAL;
}

/* In YAML a leading zero says nothing, in C it says octal. */
static int read_number(const struct yaml_node *value, int64_t *ret) {
        const char *text = value->text;

        while (text[0] == '0' && text[1] >= '0' && text[1] <= '9')
                text++;
        return parse_i64(text, INT64_MIN, INT64_MAX, ret);
}

static const char *item_printf(struct scalars *s, const char *fmt, ...) _printf_(2, 3);
static const char *item_printf(struct scalars *s, const char *fmt, ...) {
        const char *item;
        va_list ap;

        va_start(ap, fmt);
        item = arena_vprintf(s->w->arena, fmt, ap);
        va_end(ap);
        if (!item)
                s->w->error = -ENOMEM;
        return item;
}

/* A value became a word of the language: *ret. NULL: *ret_expr stands in its place. */
static const char *number_word(struct scalars *s, const struct yaml_node *value, struct sigma_expr **ret_expr) {
        bool is_port = streq(s->field->name, "DestinationPort");
        int64_t number;

        if (read_number(value, &number) < 0) {
                *ret_expr = sigma_leave_out(s->w, SIGMA_VALUE, s->negated, value->span, "'%s' is compared with numbers",
                                            s->field->name);
                return NULL;
        }
        if (s->modifiers->op == SIGMA_IS && (number < (is_port ? 0 : -1) || (is_port && number > 65535))) {
                *ret_expr = sigma_impossible(s->w, s->negated, value->span,
                                             "this can never match: '%s' is no such number", s->field->name);
                return NULL;
        }
        /* No user and no session are written as 32 bits without a sign elsewhere. */
        if (!is_port && number == UINT32_MAX)
                number = -1;
        return item_printf(s, "%lld", (long long)number);
}

static const char *user_word(struct scalars *s, const struct yaml_node *value, struct sigma_expr **ret_expr) {
        int64_t number;

        if (strcasecmp(value->text, "root") == 0)
                return "0";
        if (read_number(value, &number) >= 0 && number >= 0 && number < UINT32_MAX)
                return item_printf(s, "%lld", (long long)number);
        *ret_expr = sigma_leave_out(s->w, SIGMA_VALUE, s->negated, value->span,
                                    "users are numbers here, and of names only root's is the same everywhere");
        sigma_hint(s->w, "write the user's number into the rule");
        return NULL;
}

static const char *protocol_word(struct scalars *s, const struct yaml_node *value, struct sigma_expr **ret_expr) {
        static const char *const names[] = {"tcp", "udp", "icmp", "icmpv6", "sctp", "dccp", "udplite"};

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (strcasecmp(value->text, names[i]) == 0) {
                        char word[32], *p = word;

                        for (const char *c = names[i]; *c; c++)
                                *p++ = *c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c;
                        *p = 0;
                        return item_printf(s, "IPPROTO_%s", word);
                }
        *ret_expr = sigma_leave_out(s->w, SIGMA_VALUE, s->negated, value->span, "unknown protocol '%.*s'", SIGMA_SHOWN,
                                    value->text);
        return NULL;
}

/* ---- addresses ---- */

struct network {
        int family;
        unsigned char bytes[16];
        unsigned prefix;                /* bits */
};

static const char *network_word(struct scalars *s, struct network *n) {
        char text[INET6_ADDRSTRLEN];
        unsigned all = n->family == AF_INET ? 32 : 128;

        for (unsigned bit = n->prefix; bit < all; bit++)
                n->bytes[bit / 8] &= ~(0x80 >> bit % 8);
        if (!inet_ntop(n->family, n->bytes, text, sizeof(text)))
                return NULL;
        return n->prefix == all ? item_printf(s, "%s", text) : item_printf(s, "%s/%u", text, n->prefix);
}

static bool read_address(const char *text, size_t n, struct network *ret) {
        char copy[INET6_ADDRSTRLEN + 1];

        if (n > INET6_ADDRSTRLEN)
                return false;
        memcpy(copy, text, n);
        copy[n] = 0;
        for (int i = 0; i < 2; i++) {
                ret->family = i == 0 ? AF_INET : AF_INET6;
                ret->prefix = i == 0 ? 32 : 128;
                if (inet_pton(ret->family, copy, ret->bytes) == 1)
                        return true;
        }
        return false;
}

static bool read_network(const char *text, struct network *ret) {
        const char *slash = strchr(text, '/');
        uint64_t prefix;

        if (!read_address(text, slash ? (size_t)(slash - text) : strlen(text), ret))
                return false;
        if (!slash)
                return true;
        if (parse_u64(slash + 1, 0, ret->prefix, &prefix) < 0)
                return false;
        ret->prefix = prefix;
        return true;
}

/* "192.168." and "fe80:": whole parts of an address, from its beginning. */
static bool read_prefix(const char *text, size_t n, struct network *ret) {
        unsigned parts = 0;
        bool is_six = memchr(text, ':', n);

        *ret = (struct network){.family = is_six ? AF_INET6 : AF_INET};
        while (n > 0) {
                size_t k = 0;
                unsigned value = 0;

                for (; k < n && text[k] != (is_six ? ':' : '.'); k++) {
                        char c = text[k], small = c | 0x20;

                        if (c >= '0' && c <= '9')
                                value = value * (is_six ? 16 : 10) + (c - '0');
                        else if (is_six && small >= 'a' && small <= 'f')
                                value = value * 16 + (small - 'a' + 10);
                        else
                                return false;
                        if (k > 4)
                                return false;
                }
                if (k == 0 || k == n || value > (is_six ? 0xffffU : 255U) || parts >= (is_six ? 7U : 3U))
                        return false;
                if (is_six) {
                        ret->bytes[2 * parts] = value >> 8;
                        ret->bytes[2 * parts + 1] = value & 0xff;
                } else
                        ret->bytes[parts] = value;
                parts++;
                text += k + 1;
                n -= k + 1;
        }
        ret->prefix = parts * (is_six ? 16 : 8);
        return parts > 0;
}

static const char *address_word(struct scalars *s, const struct yaml_node *value, struct sigma_expr **ret_expr) {
        enum sigma_operator op = s->modifiers->op;
        size_t n = value->n;
        struct network network;
        bool good;

        if (op == SIGMA_CIDR)
                good = read_network(value->text, &network);
        else if (op == SIGMA_STARTSWITH || (op == SIGMA_IS && n > 1 && value->text[n - 1] == '*')) {
                while (n > 0 && value->text[n - 1] == '*')
                        n--;
                good = read_prefix(value->text, n, &network);
        } else
                good = op == SIGMA_IS && read_address(value->text, n, &network);
        if (good)
                return network_word(s, &network);

        *ret_expr = sigma_leave_out(s->w, SIGMA_VALUE, s->negated, value->span, "this is no address and no network");
        sigma_hint(s->w, "addresses are numbers here: '10.0.0.1', '|cidr: 10.0.0.0/8', '10.*'");
        return NULL;
}

/* ---- all of them ---- */

static const char *op_for(enum sigma_operator op) {
        switch (op) {
        case SIGMA_LT: return "<";
        case SIGMA_LTE: return "<=";
        case SIGMA_GT: return ">";
        case SIGMA_GTE: return ">=";
        case SIGMA_IS:
        case SIGMA_CIDR:
        case SIGMA_STARTSWITH:
        case SIGMA_CONTAINS:
        case SIGMA_ENDSWITH:
        case SIGMA_RE:
        case SIGMA_EXISTS:
                break;
        }
        return "==";
}

static bool op_fits(const struct scalars *s) {
        switch (s->modifiers->op) {
        case SIGMA_IS: return true;
        case SIGMA_CIDR:
        case SIGMA_STARTSWITH: return s->field->type == SIGMA_TYPE_ADDRESS;
        case SIGMA_LT:
        case SIGMA_LTE:
        case SIGMA_GT:
        case SIGMA_GTE: return s->field->type == SIGMA_TYPE_NUMBER;
        case SIGMA_CONTAINS:
        case SIGMA_ENDSWITH:
        case SIGMA_RE:
        case SIGMA_EXISTS:
                break;
        }
        return false;
}

/* Fields that say something of every connection, or of its family. */
static struct sigma_expr *truths(struct scalars *s, const struct yaml_node *value) {
        static const char *const families[] = {"AF_INET", "AF_INET6"};
        int answer = read_truth(value);

        if (answer < 0)
                return sigma_break(s->w, SIGMA_FORM, value->span, "'%s' is true or false", s->field->name);
        if (s->field->type == SIGMA_TYPE_IPV6)
                return sigma_count(s->w, sigma_expr_compare(s->w->arena, s->field->fields[0], "==", &families[answer],
                                                            1));
        if (answer || s->negated)
                return sigma_count(s->w, sigma_expr_constant(s->w->arena, answer));
        return sigma_leave_out(s->w, SIGMA_FIELD, s->negated, value->span,
                               "connections that others make to this host are not captured");
}

static struct sigma_expr *exists(struct scalars *s, const struct yaml_node *value) {
        int answer = read_truth(value);

        if (answer < 0)
                return sigma_break(s->w, SIGMA_FORM, value->span, "'exists' is true or false");
        if (!answer)
                return sigma_impossible(s->w, s->negated, value->span, "this can never match: '%s' is always there",
                                        s->field->name);
        return sigma_count(s->w, sigma_expr_constant(s->w->arena, true));
}

static const char *word_of(struct scalars *s, const struct yaml_node *value, struct sigma_expr **ret_expr) {
        if (sigma_is_null(value)) {
                *ret_expr = sigma_impossible(s->w, s->negated, value->span,
                                             "this can never match: '%s' is always there", s->field->name);
                return NULL;
        }
        switch (s->field->type) {
        case SIGMA_TYPE_NUMBER: return number_word(s, value, ret_expr);
        case SIGMA_TYPE_USER: return user_word(s, value, ret_expr);
        case SIGMA_TYPE_PROTOCOL: return protocol_word(s, value, ret_expr);
        case SIGMA_TYPE_ADDRESS: return address_word(s, value, ret_expr);
        case SIGMA_TYPE_OUTWARD:
        case SIGMA_TYPE_IPV6:
        case SIGMA_TYPE_PATH:
        case SIGMA_TYPE_TEXT:
                break;
        }
        return NULL;
}

struct sigma_expr *sigma_scalars(struct sigma_work *w, const struct sigma_field *field,
                                 const struct sigma_modifiers *modifiers, const struct yaml_node *const *values,
                                 size_t n_values, bool negated) {
        struct scalars s = {.w = w, .field = field, .modifiers = modifiers, .negated = negated};
        bool all = modifiers->all, list = !all && modifiers->op != SIGMA_LT &&
                                          modifiers->op != SIGMA_LTE && modifiers->op != SIGMA_GT &&
                                          modifiers->op != SIGMA_GTE;
        struct sigma_expr *row = sigma_expr_constant(w->arena, all), *expr = NULL;
        const char **words;
        size_t n = 0;

        if (modifiers->op == SIGMA_EXISTS)
                return exists(&s, values[0]);
        if (modifiers->n_codings > 0 || !op_fits(&s)) {
                expr = sigma_leave_out(w, SIGMA_VALUE, negated, values[0]->span,
                                       "'%s' is %s here: parts of it cannot be compared", field->name,
                                       field->type == SIGMA_TYPE_ADDRESS ? "an address" : "a number");
                return expr;
        }

        words = arena_new_array(w->arena, const char *, n_values);
        if (!words)
                w->error = -ENOMEM;
        for (size_t i = 0; i < n_values && row && w->error >= 0; i++) {
                if (field->type == SIGMA_TYPE_OUTWARD || field->type == SIGMA_TYPE_IPV6)
                        expr = truths(&s, values[i]);
                else {
                        words[n] = word_of(&s, values[i], &expr);
                        if (words[n] && list) {
                                n++;
                                continue;
                        }
                        if (words[n])
                                expr = sigma_count(w,
                                                   sigma_expr_compare(w->arena, field->fields[0],
                                                                      op_for(modifiers->op), &words[n], 1));
                        else if (w->error < 0)
                                return NULL;
                }
                row = all ? sigma_expr_all(w->arena, row, expr) : sigma_expr_any(w->arena, row, expr);
        }
        if (n > 0 && w->error >= 0)
                row = sigma_expr_any(w->arena, row,
                                     sigma_count(w, sigma_expr_compare(w->arena, field->fields[0],
                                                                       n > 1 || strchr(words[0], '/') ? "in" : "==",
                                                                       words, n)));
        return w->error < 0 ? NULL : row;
}
