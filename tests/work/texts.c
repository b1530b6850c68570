/* SPDX-License-Identifier: Apache-2.0 */
#include "texts.h"

#include "base/macro.h"

#define HEAD "path \"p%u\" {\n    description = \"x\"\n    severity = low\n"

static void put_policies(struct strbuf *b, unsigned n) {
        for (unsigned i = 0; i < n; i++)
                strbuf_printf(b, HEAD "    openat { pathname == \"/srv/%u\", flags & O_WRONLY }\n    unlink { }\n}\n",
                              i, i);
}

static void put_list(struct strbuf *b, unsigned n) {
        strbuf_put(b, "list l = [");
        for (unsigned i = 0; i < n; i++)
                strbuf_printf(b, "%s\n    \"/srv/%u\"", i > 0 ? "," : "", i * 7919 % 1000003);
        strbuf_put(b, "]\n");
        strbuf_printf(b, HEAD "    openat { pathname in l }\n}\n", 0U);
}

/* One list for all. */
static void put_shared_list(struct strbuf *b, unsigned n) {
        strbuf_put(b, "list l = [");
        for (unsigned i = 0; i < n; i++)
                strbuf_printf(b, "%s\n    \"/srv/%u\"", i > 0 ? "," : "", i);
        strbuf_put(b, "]\n");
        for (unsigned i = 0; i < n; i++)
                strbuf_printf(b, HEAD "    openat { pathname in l, fd == %u }\n}\n", i, i);
}

static void put_shared_prefixes(struct strbuf *b, unsigned n) {
        strbuf_put(b, "list l = [");
        for (unsigned i = 0; i < n; i++)
                strbuf_printf(b, "%s\n    \"/srv/%u\"", i > 0 ? "," : "", i);
        strbuf_put(b, "]\n");
        for (unsigned i = 0; i < n; i++)
                strbuf_printf(b, HEAD "    openat { pathname startswith l, fd == %u }\n}\n", i, i);
}

static void put_shared_numbers(struct strbuf *b, unsigned n) {
        strbuf_put(b, "list l = [");
        for (unsigned i = 0; i < n; i++)
                strbuf_printf(b, "%s\n    %u", i > 0 ? "," : "", i % 60000 + 1);
        strbuf_put(b, "]\n");
        for (unsigned i = 0; i < n; i++)
                strbuf_printf(b, HEAD "    connect { dport in l, fd == %u }\n}\n", i, i);
}

static void put_shared_networks(struct strbuf *b, unsigned n) {
        strbuf_put(b, "list l = [");
        for (unsigned i = 0; i < n; i++)
                strbuf_printf(b, "%s\n    10.%u.%u.0/24", i > 0 ? "," : "", i / 256 % 256, i % 256);
        strbuf_put(b, "]\n");
        for (unsigned i = 0; i < n; i++)
                strbuf_printf(b, HEAD "    connect { daddr in l, fd == %u }\n}\n", i, i);
}

static void put_wrong_list(struct strbuf *b, unsigned n) {
        strbuf_put(b, "list l = [");
        for (unsigned i = 0; i < n; i++)
                strbuf_printf(b, "%s\n    \"srv/%u\"", i > 0 ? "," : "", i);
        strbuf_put(b, "]\n");
        for (unsigned i = 0; i < n; i++)
                strbuf_printf(b, HEAD "    openat { pathname in l, fd == %u }\n}\n", i, i);
}

static void put_lists_in_lists(struct strbuf *b, unsigned n) {
        strbuf_put(b, "list l0 = [\"/a\", \"/b\"]\n");
        for (unsigned i = 1; i < n; i++)
                strbuf_printf(b, "list l%u = [l%u, l%u, \"/%u\"]\n", i, i - 1, i - 1, i);
        strbuf_printf(b, HEAD "    openat { pathname in l%u }\n}\n", 0U, n - 1);
}

static void put_macros(struct strbuf *b, unsigned n) {
        for (unsigned i = 0; i < n; i++)
                strbuf_printf(b, "macro m%u { fd == %u }\n", i, i);
        for (unsigned i = 0; i < n; i++)
                strbuf_printf(b, HEAD "    openat { m%u }\n}\n", i, i);
}

static void put_macros_in_macros(struct strbuf *b, unsigned n) {
        strbuf_put(b, "macro m0 { fd == 1 }\n");
        for (unsigned i = 1; i < n; i++)
                strbuf_printf(b, "macro m%u { m%u and fd != %u }\n", i, i - 1, i);
        strbuf_printf(b, HEAD "    openat { m%u }\n}\n", 0U, n - 1);
}

/* Each twice the one before. */
static void put_doubling_macros(struct strbuf *b, unsigned n) {
        strbuf_put(b, "macro m0 { fd == 1 or fd == 2 }\n");
        for (unsigned i = 1; i < 8; i++) {
                strbuf_printf(b, "macro m%u { ", i);
                for (unsigned k = 0; k < 8; k++)
                        strbuf_printf(b, "%sm%u", k > 0 ? " and " : "", i - 1);
                strbuf_put(b, " }\n");
        }
        for (unsigned i = 0; i < n; i++)
                strbuf_printf(b, HEAD "    openat { m7 }\n}\n", i);
}

static void put_undefined(struct strbuf *b, unsigned n) {
        for (unsigned i = 0; i < 300; i++)
                strbuf_printf(b, "list a_rather_long_name_of_a_list_%u = [\"/x\"]\n", i);
        for (unsigned i = 0; i < n; i++)
                strbuf_printf(b,
                              HEAD "    openat { pathname in a_rather_long_nam_of_a_list_%u, pathnam == \"x\" }\n}\n",
                              i, i);
}

static void put_same_name(struct strbuf *b, unsigned n) {
        for (unsigned i = 0; i < n; i++)
                strbuf_printf(b, HEAD "    openat { fd == %u }\n}\n", 0U, i);
}

static void put_terms(struct strbuf *b, unsigned n) {
        for (unsigned i = 0; i < n; i++) {
                if (i % 500 == 0)
                        strbuf_printf(b, HEAD "    openat {\n", i);
                strbuf_printf(b, "        (fd == %u or pathname startswith \"/srv/%u\") and not flags & %u\n", i, i,
                              i % 1000 + 1);
                if (i % 500 == 499 || i == n - 1)
                        strbuf_put(b, "    }\n}\n");
        }
}

/* Each place leads on to each of the others. */
static void put_optional_steps(struct strbuf *b, unsigned n) {
        for (unsigned i = 0; i < n; i++) {
                if (i % 60 == 0)
                        strbuf_printf(b, HEAD "    openat { }\n", i);
                strbuf_printf(b, "    unlink { pathname == \"/%u\" } ...\n", i);
                if (i % 60 == 59 || i == n - 1)
                        strbuf_put(b, "    chmod { }\n}\n");
        }
}

/* And each of them is much to look at. */
static void put_optional_terms(struct strbuf *b, unsigned n) {
        for (unsigned i = 0; i < n; i++) {
                if (i % 40 == 0)
                        strbuf_printf(b, HEAD "    openat { }\n", i);
                strbuf_put(b, "    unlink { pathname in [");
                for (unsigned k = 0; k < 20; k++)
                        strbuf_printf(b, "\"/%u\", ", k * n + i);
                strbuf_put(b, "\"/x\"]");
                for (unsigned k = 0; k < 20; k++)
                        strbuf_printf(b, ", pathname !~ '%u[0-9]+%u'", k, i);
                strbuf_put(b, " } ...\n");
                if (i % 40 == 39 || i == n - 1)
                        strbuf_put(b, "    chmod { }\n}\n");
        }
}

/* In any order: so many places as there are sets of members. */
static void put_members(struct strbuf *b, unsigned n) {
        for (unsigned i = 0; i < n; i++)
                strbuf_printf(b,
                              HEAD "    all {\n        openat { fd == %u }\n        unlink { }\n        chmod { }\n"
                                   "        rename { }\n        connect { }\n        execve { }\n    }\n}\n",
                              i, i);
}

static void put_repeats(struct strbuf *b, unsigned n) {
        for (unsigned i = 0; i < n; i++)
                strbuf_printf(b, HEAD "    repeat %u {\n        openat { fd == %u }\n    }\n}\n", i, i % 1000 + 2, i);
}

static void put_ancestors(struct strbuf *b, unsigned n) {
        for (unsigned i = 0; i < n; i++)
                strbuf_printf(b,
                              HEAD "    openat { ancestor.exe == \"/%u\", ancestor { uid == %u, exe != \"/x\" } }\n}\n",
                              i, i, i);
}

static void put_alternations(struct strbuf *b, unsigned n) {
        for (unsigned i = 0; i < n; i++) {
                if (i % 20 == 0)
                        strbuf_printf(b, HEAD, i);
                strbuf_put(b, "    any {\n");
                for (unsigned k = 0; k < 20; k++)
                        strbuf_printf(b, "        openat { pathname == \"/%u/%u\" }\n", i, k);
                strbuf_put(b, "    }\n");
                if (i % 20 == 19 || i == n - 1)
                        strbuf_put(b, "}\n");
        }
}

/* A large condition in a place that many lead to. */
static void put_wide_joins(struct strbuf *b, unsigned n) {
        for (unsigned i = 0; i < n; i++) {
                if (i % 50 == 0) {
                        strbuf_printf(b, HEAD "    openat { }\n    any {\n", i);
                        for (unsigned k = 0; k < 30; k++)
                                strbuf_printf(b, "        block \"b%u\" { openat { fd == %u } unlink { } ... }\n", k,
                                              k);
                        strbuf_put(b, "    }\n    unlink {\n");
                }
                strbuf_printf(b, "        pathname != \"/%u\"\n", i);
                if (i % 50 == 49 || i == n - 1)
                        strbuf_put(b, "    }\n}\n");
        }
}

static void put_deep(struct strbuf *b, unsigned n) {
        strbuf_printf(b, HEAD "    openat { ", 0U);
        strbuf_put_repeat(b, '(', n * 20);
        strbuf_put(b, "fd == 1");
        strbuf_put_repeat(b, ')', n * 20);
        strbuf_put(b, " }\n}\n");
}

static void put_nots(struct strbuf *b, unsigned n) {
        strbuf_printf(b, HEAD "    openat { ", 0U);
        for (unsigned i = 0; i < n * 10; i++)
                strbuf_put(b, "not ");
        strbuf_put(b, "fd == 1 }\n}\n");
}

static void put_blocks(struct strbuf *b, unsigned n) {
        strbuf_printf(b, HEAD, 0U);
        for (unsigned i = 0; i < n; i++)
                strbuf_put(b, "block \"b\" { ");
        strbuf_put(b, "openat { }");
        for (unsigned i = 0; i < n; i++)
                strbuf_put(b, " }");
        strbuf_put(b, "\n}\n");
}

static void put_regexes(struct strbuf *b, unsigned n) {
        for (unsigned i = 0; i < n; i++)
                strbuf_printf(b, HEAD "    openat { pathname =~ '/(a|b%u|c[0-9]+)/.*\\.(x|y%u)$' }\n}\n", i, i, i);
}

static void put_regex_sets(struct strbuf *b, unsigned n) {
        for (unsigned i = 0; i < n; i++)
                strbuf_printf(
                        b,
                        HEAD
                        "    openat { pathname =~ '^/([abc]|[def])([abc]|[def])([abc]|[def])%u(x|y)?z{1,3}$' }\n}\n",
                        i, i);
}

static void put_long_regex(struct strbuf *b, unsigned n) {
        strbuf_printf(b, HEAD "    openat { pathname =~ '", 0U);
        for (unsigned i = 0; i < n * 4; i++)
                strbuf_put(b, "(a|b)?");
        strbuf_put(b, "' }\n}\n");
}

static void put_globs(struct strbuf *b, unsigned n) {
        for (unsigned i = 0; i < n; i++)
                strbuf_printf(b, HEAD "    openat { pathname glob \"/srv/*/a%u/*/b?/**/*.%u\" }\n}\n", i, i, i);
}

/* Literals that are alike for as long as possible. */
static void put_alike(struct strbuf *b, unsigned n) {
        for (unsigned i = 0; i < n; i++) {
                strbuf_printf(b, HEAD "    openat { pathname contains \"", i);
                strbuf_put_repeat(b, 'a', i % 200);
                strbuf_printf(b, "%u\", pathname endswith \"", i);
                strbuf_put_repeat(b, 'a', i % 200);
                strbuf_put(b, "\" }\n}\n");
        }
}

static void put_bytes(struct strbuf *b, unsigned n) {
        for (unsigned i = 0; i < n; i++)
                strbuf_printf(b, HEAD "    openat { pathname contains \"\\x%02x\\x%02x\\x%02x\" }\n}\n", i, i % 255 + 1,
                              i * 31 / 255 % 255 + 1, i * 7 % 255 + 1);
}

static void put_exceptions(struct strbuf *b, unsigned n) {
        strbuf_printf(b, HEAD "    openat { }\n", 0U);
        for (unsigned i = 0; i < n; i++)
                strbuf_printf(b, "    except { proc.exe == \"/usr/bin/%u\" }\n", i);
        strbuf_put(b, "}\n");
}

static void put_comments(struct strbuf *b, unsigned n) {
        for (unsigned i = 0; i < n; i++)
                strbuf_put(b, "# ########################################\n\n");
}

static void put_nonsense(struct strbuf *b, unsigned n) {
        for (unsigned i = 0; i < n; i++)
                strbuf_put(b, "path { } list = [ macro ] \"\\q\" 'x } == !~ 7q8 @ \xff\n");
}

static void put_open_braces(struct strbuf *b, unsigned n) {
        for (unsigned i = 0; i < n; i++)
                strbuf_put(b, "path \"p\" { any { block \"x\" {\n");
}

const struct text_family text_families[] = {
        {"policies", put_policies},
        {"a list", put_list},
        {"a list that all share", put_shared_list},
        {"prefixes that all share", put_shared_prefixes},
        {"numbers that all share", put_shared_numbers},
        {"networks that all share", put_shared_networks},
        {"a wrong list that all share", put_wrong_list},
        {"lists in lists", put_lists_in_lists},
        {"macros", put_macros},
        {"macros in macros", put_macros_in_macros},
        {"macros that double", put_doubling_macros},
        {"names that nobody knows", put_undefined},
        {"one name for all", put_same_name},
        {"terms", put_terms},
        {"optional steps", put_optional_steps},
        {"optional steps of many terms", put_optional_terms},
        {"members in any order", put_members},
        {"repetitions", put_repeats},
        {"ancestors", put_ancestors},
        {"alternations", put_alternations},
        {"wide joins", put_wide_joins},
        {"parentheses", put_deep},
        {"nots", put_nots},
        {"blocks", put_blocks},
        {"regexes", put_regexes},
        {"regexes of sets", put_regex_sets},
        {"a long regex", put_long_regex},
        {"globs", put_globs},
        {"literals that are alike", put_alike},
        {"literals of all bytes", put_bytes},
        {"exceptions", put_exceptions},
        {"comments", put_comments},
        {"nonsense", put_nonsense},
        {"open braces", put_open_braces},
};

const size_t n_text_families = ELEMENTSOF(text_families);
