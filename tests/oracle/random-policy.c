/* SPDX-License-Identifier: Apache-2.0 */
#include "random.h"

#include "base/macro.h"

#define MAX_NAMES 4

/* Captures by what they hold, so that a comparison has the right type. */
enum holds { HOLDS_PATH, HOLDS_OBJECT, HOLDS_NUMBER, HOLDS_ACTOR, HOLDS_OTHER_ACTOR, _HOLDS_MAX };

struct scope {
        bool bound[_HOLDS_MAX];         /* $p, $o, $n, $a, $b: bound on every way to here */
        bool used[_HOLDS_MAX];          /* bound on some way: cannot be bound again */
};

static const struct kind {
        const char *name;
        const char *path;               /* its path field */
        const char *object, *number;
        unsigned weight;
} kinds[] = {
        { "openat", "pathname", "file", "flags", 6 },
        { "unlink", "pathname", NULL, NULL, 4 },
        { "chmod", "pathname", "file", "mode", 3 },
        { "write", "pathname", "file", "length", 2 },
        { "rename", "newpath", NULL, NULL, 2 },
        { "execve", "filename", "file", NULL, 2 },
        { "connect", NULL, NULL, "dport", 1 },
        { "fork", NULL, NULL, NULL, 1 },
        { "exit", NULL, NULL, NULL, 1 },
        { "unit", "name", NULL, NULL, 1 },
        { "container", "name", NULL, NULL, 1 },
};

struct maker {
        struct random *random;
        const struct random_style *style;
        struct strbuf *b;
        const struct kind *kinds[3];
        unsigned n_steps, depth;
        bool captures;                  /* this path has captures */
        bool relations;                 /* and names of processes */
        bool scores;                    /* it counts points */
        bool inside_any;
        bool bare;                      /* steps without conditions: what comes, is taken */
        bool after_loop;                /* a `repeat` may not */
};

static const char *const names[_HOLDS_MAX] = { "$p", "$o", "$n", "$a", "$b" };

static const struct kind *any_kind(struct random *random) {
        unsigned sum = 0, at;

        for (size_t i = 0; i < ELEMENTSOF(kinds); i++)
                sum += kinds[i].weight;
        at = random_below(random, sum);
        for (size_t i = 0;; i++) {
                if (at < kinds[i].weight)
                        return &kinds[i];
                at -= kinds[i].weight;
        }
}

/* Mostly one of few, so that an event is of interest to several elements. */
static const struct kind *pick_kind(struct maker *m) {
        return random_chance(m->random, 75) ? RANDOM_PICK(m->random, m->kinds) : any_kind(m->random);
}

static void put_path_test(struct maker *m, const char *field) {
        static const char *const tests[] = {
                "%s == \"/a\"",
                "%s == \"/b\"",
                "%s != \"/a\"",
                "%s startswith \"/a\"",
                "%s startswith \"/tmp/\"",
                "%s endswith \"/x\"",
                "%s contains \"a\"",
                "%s in [\"/a\", \"/b\"]",
                "%s not in [\"/c\", \"/b\", \"/tmp/f\"]",
                "%s glob \"/*\"",
                "%s glob \"/a**\"",
                "%s glob \"/[ab]\"",
                "%s glob \"/tmp/?\"",
                "%s =~ '^/(a|b)$'",
                "%s !~ '/(x|f)$'",
                "%s =~ 'p/.$'",
                "%s ~= \"/A\"",
                "%s glob [\"/tmp/**\", \"/c\"]",
                "%s in some_names",
                "%s not in some_names",
        };

        strbuf_printf(m->b, RANDOM_PICK(m->random, tests), field);
}

static void put_any_test(struct maker *m, const struct kind *kind) {
        static const char *const common[] = {
                "proc.name == \"a\"",
                "proc.exe == \"/bin/sh\"",
                "proc.exe != \"/bin/sh\"",
                "proc.uid == 0",
                "proc.uid != 0",
                "parent.exe == \"/bin/a\"",
                "ancestor.exe == \"/bin/sh\"",
                "ancestor.name != \"b\"",
                "parent.name not in [\"a\", \"b\"]",
                "proc.filename startswith \"/tmp\"",
                "proc.unit == \"nginx.service\"",
                "proc.container.id == \"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"",
                "proc.cgroup startswith \"/system.slice/\"",
                "proc.cgroup in [\"/user.slice\", \"/system.slice/ssh.service\"]",
                "proc.exe in [\"/bin/sh\", \"/tmp/f\"]",
                "proc.exe startswith \"/bin/\"",
                "proc.exe endswith \"sh\"",
                "proc.exe glob \"/tmp/*\"",
                "proc.name in [\"a\", \"f\"]",
                "proc.name endswith \"sh\"",
                "proc.euid == 0",
                "(proc.exe == \"/bin/a\" or proc.exe == \"/bin/b\")",
                "any proc.argv == \"-c\"",
                "proc.args contains \"x\"",
                "ancestor { exe == \"/bin/sh\", uid == 0 }",
                "ancestor { name != \"b\", exe startswith \"/bin/\" }",
                "ancestor { unit == \"nginx.service\" or not (exe == \"/bin/a\") }",
                "not (ancestor { exe == \"/bin/b\", args contains \"x\" })",
        };
        static const char *const execve[] = {
                "argv contains \"-c\"",
                "any argv == \"-i\"",
                "argv[1] == \"-c\"",
                "argv[1] != \"x\"",
                "any argv startswith \"/\"",
                "stdin.type == socket",
                "argv[2] =~ '^(x|-i)$'",
                "exe == \"/bin/sh\"",
                "argc > 2",
                "any argv in [\"x\", \"/a\"]",
        };
        static const char *const openat[] = {"flags & O_CREAT",
                                             "flags & (O_CREAT|O_WRONLY)",
                                             "flags == O_RDONLY",
                                             "not (flags & O_WRONLY)",
                                             "flags has all O_CREAT|O_WRONLY",
                                             "flags & O_ACCMODE == O_WRONLY",
                                             "flags & O_ACCMODE in [O_RDONLY, O_RDWR]"};
        static const char *const chmod[] = { "mode & 0111", "mode == 0600", "mode >= 0700",
                                             "mode & 0700 != 0700", "mode & 0077 not in [0, 055]" };
        static const char *const write[] = { "length > 1", "length <= 2", "length in [0, 3]" };
        static const char *const connect[] = {
                "daddr in [10.0.0.0/8]", "daddr not in [10.0.0.0/8]", "daddr == 203.0.0.1",
                "dport == 443",          "dport in [4444, 80]",
        };

        if (random_chance(m->random, 25))
                strbuf_put(m->b, RANDOM_PICK(m->random, common));
        else if (streq(kind->name, "execve") && random_chance(m->random, 70))
                strbuf_put(m->b, RANDOM_PICK(m->random, execve));
        else if (streq(kind->name, "openat") && random_chance(m->random, 40))
                strbuf_put(m->b, RANDOM_PICK(m->random, openat));
        else if (streq(kind->name, "chmod") && random_chance(m->random, 40))
                strbuf_put(m->b, RANDOM_PICK(m->random, chmod));
        else if (streq(kind->name, "write") && random_chance(m->random, 40))
                strbuf_put(m->b, RANDOM_PICK(m->random, write));
        else if (streq(kind->name, "connect"))
                strbuf_put(m->b, RANDOM_PICK(m->random, connect));
        else if (kind->path)
                put_path_test(m, kind->path);
        else
                strbuf_put(m->b, RANDOM_PICK(m->random, common));
}

static void put_condition(struct maker *m, const struct kind *kind, unsigned depth) {
        if (depth < 2 && random_chance(m->random, 20)) {
                strbuf_put_char(m->b, '(');
                put_condition(m, kind, depth + 1);
                strbuf_put(m->b, random_chance(m->random, 60) ? " or " : " and ");
                put_condition(m, kind, depth + 1);
                strbuf_put_char(m->b, ')');
        } else if (depth < 2 && random_chance(m->random, 8)) {
                strbuf_put(m->b, "not (");
                put_condition(m, kind, depth + 1);
                strbuf_put_char(m->b, ')');
        } else
                put_any_test(m, kind);
}

static const char *field_that_holds(const struct kind *kind, enum holds holds) {
        switch (holds) {
        case HOLDS_PATH: return kind->path;
        case HOLDS_OBJECT: return kind->object;
        case HOLDS_NUMBER: return kind->number;
        case HOLDS_ACTOR:
        case HOLDS_OTHER_ACTOR:
        case _HOLDS_MAX: break;
        }
        return NULL;
}

static void put_relation(struct maker *m, const struct kind *kind, const char *name) {
        static const char *const any[] = {
                "same process as", "child of", "child of", "sibling of", "descendant of", "same unit as",
        };
        static const char *const object[] = { "same file as", "same file as", "same pipe as" };

        strbuf_printf(m->b, " %s %s",
                      (kind->object || streq(kind->name, "execve")) && random_chance(m->random, 35)
                              ? RANDOM_PICK(m->random, object)
                              : RANDOM_PICK(m->random, any),
                      name);
}

/* `kind { ... }`; what it binds is in the scope behind it, if it may bind. */
static void put_step(struct maker *m, const struct kind *kind, struct scope *scope, bool may_bind) {
        enum holds named = _HOLDS_MAX;
        bool first = true;

        strbuf_printf(m->b, "%s ", kind->name);
        for (enum holds h = HOLDS_ACTOR; h < _HOLDS_MAX && m->relations && may_bind; h++)
                if (!scope->used[h] && random_chance(m->random, 60)) {
                        strbuf_printf(m->b, "as %s ", names[h]);
                        named = h;
                        break;
                }
        strbuf_put(m->b, "{ ");
        for (enum holds h = 0; h < _HOLDS_MAX; h++) {
                const char *field = field_that_holds(kind, h);

                if (!field || !m->captures || m->bare)
                        continue;
                if (scope->bound[h] && random_chance(m->random, 60)) {
                        strbuf_printf(m->b, "%s%s %s %s", first ? "" : ", ", field,
                                      h == HOLDS_NUMBER && random_chance(m->random, 50) ? ">="
                                      : random_chance(m->random, 85)                    ? "=="
                                                                                        : "!=",
                                      names[h]);
                        first = false;
                } else if (may_bind && !scope->used[h] && random_chance(m->random, 50)) {
                        strbuf_printf(m->b, "%s%s = %s", first ? "" : ", ", names[h], field);
                        scope->bound[h] = scope->used[h] = true;
                        first = false;
                }
        }
        if (random_chance(m->random, m->bare ? 10 : first ? 65 : 20)) {
                strbuf_put(m->b, first ? "" : ", ");
                put_condition(m, kind, 0);
                first = false;
        }
        if (random_chance(m->random, 6)) {
                strbuf_put(m->b, first ? "" : ", ");
                strbuf_put(m->b, random_chance(m->random, 50) ? "failed" : "result >= -13");
        }
        strbuf_put(m->b, " }");
        for (enum holds h = HOLDS_ACTOR; h < _HOLDS_MAX && m->relations; h++)
                if (scope->bound[h] && random_chance(m->random, 45))
                        put_relation(m, kind, names[h]);
        if (named != _HOLDS_MAX)
                scope->bound[named] = scope->used[named] = true;
        m->n_steps++;
}

static void put_body(struct maker *m, struct scope *scope, unsigned n, bool outermost);

static void put_any(struct maker *m, struct scope *scope) {
        const struct scope before = *scope;
        struct scope all = before;
        unsigned n = 2 + random_below(m->random, 2);
        bool was_inside_any = m->inside_any;

        m->inside_any = true;
        strbuf_put(m->b, "any {\n");
        for (unsigned i = 0; i < n; i++) {
                struct scope one = before;

                if (m->depth < 3 && random_chance(m->random, 35)) {
                        m->depth++;
                        strbuf_printf(m->b, "block \"m%u\" %s{\n", m->n_steps,
                                      random_chance(m->random, 30) ? "within 2s " : "");
                        put_body(m, &one, 1 + random_below(m->random, 2), false);
                        strbuf_put(m->b, "}\n");
                        m->depth--;
                } else {
                        put_step(m, pick_kind(m), &one, true);
                        strbuf_put(m->b, random_chance(m->random, 8) ? " ..\n" : "\n");
                }
                for (enum holds h = 0; h < _HOLDS_MAX; h++) {
                        all.bound[h] = i == 0 ? one.bound[h] : all.bound[h] && one.bound[h];
                        all.used[h] = all.used[h] || one.used[h];
                }
        }
        strbuf_put(m->b, "}\n");
        m->inside_any = was_inside_any;
        *scope = all;
}

/* Members may not compare with what other members bind, nor bind it again. */
static void put_all(struct maker *m, struct scope *scope) {
        const struct scope before = *scope;
        unsigned n = 2 + random_below(m->random, random_chance(m->random, 80) ? 2 : 3);
        const struct kind *shared = random_chance(m->random, 40) ? pick_kind(m) : NULL;

        strbuf_put(m->b, "all {\n");
        for (unsigned i = 0; i < n; i++) {
                struct scope one = before;

                memcpy(one.used, scope->used, sizeof(one.used));
                put_step(m, shared ?: pick_kind(m), &one, true);
                strbuf_put(m->b, "\n");
                for (enum holds h = 0; h < _HOLDS_MAX; h++) {
                        scope->bound[h] |= one.bound[h];
                        scope->used[h] |= one.used[h];
                }
        }
        strbuf_put(m->b, "}\n");
}

static void put_repeat(struct maker *m, struct scope *scope) {
        static const char *const windows[] = { "1s", "2s", "3s", "5s" };
        static const char *const distinct[] = {"pathname", "pathname", "proc.pid", "proc.uid",
                                               "proc.exe", "file",     "flags"};
        const struct kind *kind = pick_kind(m);
        bool differ = random_chance(m->random, 45);

        strbuf_printf(m->b, "repeat %u ", 1 + random_below(m->random, 4));
        if (differ)
                strbuf_printf(m->b, "distinct %s ", RANDOM_PICK(m->random, distinct));
        if (random_chance(m->random, 70))
                strbuf_printf(m->b, "within %s ", RANDOM_PICK(m->random, windows));
        strbuf_put(m->b, "{ ");
        if (random_chance(m->random, 30)) {
                strbuf_put(m->b, "any {\n");
                for (unsigned i = 0; i < 2; i++) {
                        put_step(m, differ ? kind : pick_kind(m), scope, false);
                        strbuf_put_char(m->b, '\n');
                }
                strbuf_put(m->b, "} ");
        } else
                put_step(m, kind, scope, false);
        strbuf_put(m->b, " }\n");
}

static void put_absence(struct maker *m, struct scope *scope) {
        static const char *const windows[] = { "500ms", "1s", "1s", "2s", "2s", "3s" };

        strbuf_put(m->b, "no ");
        put_step(m, pick_kind(m), scope, false);
        strbuf_printf(m->b, " within %s\n", RANDOM_PICK(m->random, windows));
}

static void put_conditional(struct maker *m, struct scope *scope, bool last) {
        const struct scope before = *scope;
        struct scope then = before, otherwise = before;
        const struct kind *kind = pick_kind(m);
        bool chained = random_chance(m->random, 30), with_else = last || random_chance(m->random, 60);

        put_step(m, kind, &then, random_chance(m->random, 30));
        strbuf_put(m->b, " ? ");
        put_step(m, pick_kind(m), &then, true);
        if (chained) {
                strbuf_put(m->b, " : ");
                put_step(m, random_chance(m->random, 70) ? kind : pick_kind(m), &otherwise, false);
                strbuf_put(m->b, " ? ");
                put_step(m, pick_kind(m), &otherwise, false);
        }
        if (with_else || chained) {
                strbuf_put(m->b, " : ");
                put_step(m, pick_kind(m), &otherwise, false);
        }
        strbuf_put(m->b, "\n");
        for (enum holds h = 0; h < _HOLDS_MAX; h++) {
                scope->bound[h] = then.bound[h] && otherwise.bound[h];
                scope->used[h] = then.used[h] || otherwise.used[h];
        }
}

static void put_block(struct maker *m, struct scope *scope) {
        static const char *const windows[] = { "1s", "2s", "4s" };

        m->depth++;
        if (random_chance(m->random, 75))
                strbuf_printf(m->b, "within %s {\n", RANDOM_PICK(m->random, windows));
        else
                strbuf_printf(m->b, "block \"b%u\" {\n", m->n_steps);
        put_body(m, scope, 1 + random_below(m->random, 3), false);
        strbuf_put(m->b, "}\n");
        m->depth--;
}

/* One step, perhaps repeated. */
static void put_plain(struct maker *m, struct scope *scope, bool last) {
        put_step(m, pick_kind(m), scope, true);
        m->after_loop = false;
        strbuf_put(m->b, random_chance(m->random, 10) && !m->style->simple ? " ..\n" : "\n");
        if (!last && !m->style->simple && random_chance(m->random, 8)) {
                put_step(m, pick_kind(m), scope, false);
                strbuf_put(m->b, " ...\n");
                m->after_loop = true;
        }
        if (!last && random_chance(m->random, 3))
                strbuf_put(m->b, "...\n");
}

static void put_body(struct maker *m, struct scope *scope, unsigned n, bool outermost) {
        for (unsigned i = 0; i < n; i++) {
                bool first = i == 0, last = i + 1 == n;
                unsigned what = m->style->simple ? 0 : random_below(m->random, 100);

                if (!first && random_chance(m->random, m->style->simple ? 10 : 22)) {
                        strbuf_put(m->b, "not ");
                        put_step(m, pick_kind(m), scope, false);
                        strbuf_put_char(m->b, '\n');
                        m->n_steps--;
                }
                if (what < 36)
                        put_plain(m, scope, last);
                else if (what < 48 && (!first || outermost) && !m->inside_any && !m->after_loop)
                        put_repeat(m, scope);
                else if (what < 60 && !first)
                        put_absence(m, scope);
                else if (what < 70)
                        put_all(m, scope);
                else if (m->depth >= 3)
                        put_plain(m, scope, last);
                else if (what < 80)
                        put_any(m, scope);
                else if (what < 90)
                        put_conditional(m, scope, last);
                else
                        put_block(m, scope);
        }
}

/* What goes wrong easily: an absence whose proof the window does not live to see, absences that are due together,
 * counts behind what comes again. */
static void put_nasty(struct maker *m, struct scope *scope) {
        unsigned n = 1 + random_below(m->random, 2);

        if (m->bare && random_chance(m->random, 30)) {          /* who came first is not always who lives to see it */
                put_step(m, m->kinds[0], scope, true);
                strbuf_put_char(m->b, '\n');
                put_step(m, m->kinds[1], scope, true);
                strbuf_put(m->b, "\nno exit { } within 2s\n");
                return;
        }
        for (unsigned i = 0; i < n; i++)
                put_plain(m, scope, false);
        if (random_chance(m->random, 30)) {
                strbuf_put(m->b, "within 3s {\n");
                put_plain(m, scope, false);
                put_absence(m, scope);
                strbuf_put(m->b, "}\n");
        } else if (random_chance(m->random, 60))
                put_absence(m, scope);
        if (random_chance(m->random, 30))
                put_absence(m, scope);
        if (random_chance(m->random, 40) && !m->after_loop)
                put_repeat(m, scope);
        if (random_chance(m->random, 50))
                put_plain(m, scope, true);
}

static void put_untils(struct maker *m, const struct scope *scope) {
        struct scope any = *scope;

        memcpy(any.bound, any.used, sizeof(any.bound));
        for (unsigned i = 0; i < 2 && random_chance(m->random, 14); i++) {
                strbuf_put(m->b, "until ");
                put_step(m, pick_kind(m), &any, false);
                strbuf_put_char(m->b, '\n');
        }
}

/* Small thresholds and decays, so that a sum is often near both of its ends. */
static void put_score(struct maker *m, struct scope *scope) {
        static const char *const decays[] = {"1 per 1s", "2 per 1s", "1 per 3s", "3 per 2s", "1 per 700ms", "5 per 5s"};
        unsigned n = 1 + random_below(m->random, 4);

        strbuf_printf(m->b, "score = %u\n", 1 + random_below(m->random, 9));
        if (random_chance(m->random, 85))
                strbuf_printf(m->b, "decay = %s\n", RANDOM_PICK(m->random, decays));
        for (unsigned i = 0; i < n; i++) {
                put_step(m, pick_kind(m), scope, false);
                strbuf_printf(m->b, " +%u\n", 1 + random_below(m->random, 4));
        }
}

static void put_exceptions(struct maker *m, const struct scope *scope) {
        static const char *const plain[] = {
                "proc.name == \"b\"",       "proc.exe == \"/tmp/f\"", "ancestor.name == \"b\"",
                "parent.exe == \"/bin/b\"", "not (proc.uid == 0)",
        };

        static const char *const capturing[] = {
                "pathname == $p, proc.uid == 0",
                "pathname != $p",
                "proc.name == \"a\", pathname == $p",
                "flags >= $n, proc.exe != \"/bin/a\"",
                "pathname == $p, proc.unit == \"nginx.service\"",
                "file == $o, parent.exe == \"/bin/sh\"",
        };

        if (random_chance(m->random, 25))
                strbuf_printf(m->b, "except { %s }\n", RANDOM_PICK(m->random, plain));
        if (random_chance(m->random, 6))
                strbuf_printf(m->b, "except \"was\" owner \"me\" expires \"2001-01-31\" { %s }\n",
                              RANDOM_PICK(m->random, plain));
        for (enum holds h = 0; h < _HOLDS_MAX; h++) {
                const char *text = RANDOM_PICK(m->random, capturing);

                if (scope->used[h] && strstr(text, names[h]) && random_chance(m->random, 40))
                        strbuf_printf(m->b, "except { %s }\n", text);
        }
}

void random_path(struct random *random, const struct random_style *style, unsigned number, struct strbuf *b) {
        static const char *const bys[] = {"tree",    "tree", "tree",      "process", "descent",
                                          "descent", "unit", "container", "user",    "host"};
        static const char *const withins[] = { "2s", "3s", "4s", "5s", "10s", "unlimited" };
        static const char *const narrow[] = { "2s", "3s", "3s", "4s", "6s" };
        static const char *const losses[] = { "alert", "skip", "flag" };
        struct maker m = { .random = random, .style = style, .b = b };
        struct scope scope = {};
        bool nasty;

        for (size_t i = 0; i < ELEMENTSOF(m.kinds); i++)
                m.kinds[i] = any_kind(random);
        m.scores = !style->simple && random_chance(random, 8);
        m.captures = !m.scores && random_chance(random, 60);
        m.relations = !m.scores && !style->simple && random_chance(random, 35);

        strbuf_printf(b, "path \"p%u\" {\n", number);
        nasty = !m.scores && !style->simple && random_chance(random, 25);
        m.bare = nasty && random_chance(random, 60);
        strbuf_printf(b, "by = %s\n", RANDOM_PICK(random, bys));
        if (nasty ? random_chance(random, 90) : random_chance(random, 60) && !m.scores)
                strbuf_printf(b, "within = %s\n", nasty ? RANDOM_PICK(random, narrow) : RANDOM_PICK(random, withins));
        if (random_chance(random, 60))
                strbuf_put(b, random_chance(random, 70) ? "suppress = 0s\n" : "suppress = 3s\n");
        if (random_chance(random, 30))
                strbuf_printf(b, "on_loss = %s\n", RANDOM_PICK(random, losses));
        if (m.scores)
                put_score(&m, &scope);
        else if (nasty)
                put_nasty(&m, &scope);
        else
                put_body(&m, &scope, 1 + random_below(random, 4), true);
        if (!style->simple)
                put_untils(&m, &scope);
        put_exceptions(&m, &scope);
        strbuf_put(b, "}\n");
}
