/* SPDX-License-Identifier: Apache-2.0 */
#include "program/enforce.h"

#include <errno.h>
#include <string.h>
#include <sys/ptrace.h>

#include "base/macro.h"
#include "program/program.h"

_Static_assert(ENFORCEMENT_MAX_POSITIONS == PROGRAM_MAX_POSITIONS, "all positions of a path");
_Static_assert(ENFORCEMENT_MAX_RULES <= 8, "a bit for each rule of a path");

#define LITERALS_MAX 32                 /* of a conjunction, before they are tests */

/* A leaf, or an `or` of leaves that are one test; or its negation. */
struct literal {
        uint32_t condition;
        bool negate;
};

struct conjunction {
        size_t n;
        struct literal literals[LITERALS_MAX];
};

struct disjunction {
        size_t n;
        struct conjunction of[ENFORCEMENT_MAX_RULES];
};

struct enforcer {
        const struct program *program;
        const struct path *path;
        uint32_t kind;                  /* of the last step at hand, */
        bool at[ENFORCEMENT_MAX_POSITIONS];     /* and where it is waited for */
        const char *why;
        struct enforcement *out;
};

static int refuse(struct enforcer *e, const char *why) {
        e->why = why;
        return -EOPNOTSUPP;
}

/* ---- fields ---- */

static enum enforcement_field no_field(const char **ret_why, const char *why) {
        *ret_why = why;
        return _ENFORCEMENT_FIELD_MAX;
}

/* An exec may change the effective ids and what runs: of these it would be said before or after, as the place wants. */
static enum enforcement_field field_of_caller(uint32_t kind, uint32_t field, const char **ret_why) {
        bool exec = kind == WIRE_KIND_execve;

        switch (field) {
        case FIELD_PROCESS_uid: return ENFORCEMENT_UID;
        case FIELD_PROCESS_gid: return ENFORCEMENT_GID;
        case FIELD_PROCESS_euid:
        case FIELD_PROCESS_egid:
                if (exec)
                        return no_field(ret_why,
                                        "an exec may change it: compare what it was, 'old.euid' or 'old.egid'");
                return field == FIELD_PROCESS_euid ? ENFORCEMENT_EUID : ENFORCEMENT_EGID;
        case FIELD_PROCESS_exe:
                if (exec)
                        return no_field(ret_why, "the image that is to run is 'exe'");
                return ENFORCEMENT_EXE;
        case FIELD_PROCESS_name:
        case FIELD_PROCESS_comm:
        case FIELD_PROCESS_filename:
                return no_field(ret_why, "whoever starts a process chooses it: compare 'proc.exe'");
        default:
                return no_field(ret_why, "of its caller the kernel looks at uid, gid, euid, egid and exe alone");
        }
}

enum enforcement_field enforce_field(uint32_t kind, uint32_t field, uint32_t subject, const char **ret_why) {
        if (subject == SUBJECT_PROCESS)
                return field_of_caller(kind, field, ret_why);
        if (subject != SUBJECT_EVENT)
                return no_field(ret_why, "the kernel looks at the caller, and at nobody before him");

        switch (field) {
        case FIELD_openat_pathname: return ENFORCEMENT_PATH;
        case FIELD_openat_file: return ENFORCEMENT_FILE;
        case FIELD_openat_flags: return ENFORCEMENT_FLAGS;
        case FIELD_execve_exe: return ENFORCEMENT_PATH;
        case FIELD_execve_file: return ENFORCEMENT_FILE;
        case FIELD_execve_filename:
                return no_field(ret_why, "it is the name that the caller gave: compare 'exe', the image that runs");
        case FIELD_execve_old_uid: return ENFORCEMENT_UID;      /* an exec leaves the real ones as they are */
        case FIELD_execve_old_gid: return ENFORCEMENT_GID;
        case FIELD_execve_old_euid: return ENFORCEMENT_EUID;
        case FIELD_execve_old_egid: return ENFORCEMENT_EGID;
        case FIELD_connect_daddr:
        case FIELD_sendto_daddr: return ENFORCEMENT_ADDRESS;
        case FIELD_connect_dport:
        case FIELD_sendto_dport: return ENFORCEMENT_PORT;
        case FIELD_ptrace_request: return ENFORCEMENT_REQUEST;
        case FIELD_ptrace_target_pid: return ENFORCEMENT_TARGET_PID;
        case FIELD_ptrace_target_uid: return ENFORCEMENT_TARGET_UID;
        case FIELD_ptrace_target_exe: return ENFORCEMENT_PATH;
        default: break;
        }
        switch (kind) {
        case WIRE_KIND_openat:
                return no_field(ret_why, "of an open the kernel looks at pathname, file and flags alone");
        case WIRE_KIND_execve: return no_field(ret_why, "of an exec the kernel looks at exe, file and old ids alone");
        case WIRE_KIND_ptrace:
                return no_field(ret_why,
                                "of a ptrace the kernel looks at request, target.pid, target.uid and target.exe alone");
        default: return no_field(ret_why, "of this call the kernel looks at daddr and dport alone");
        }
}

/* ---- conditions, multiplied out ---- */

static const struct condition *condition_at(const struct enforcer *e, uint32_t number) {
        return &e->program->conditions[number];
}

/* The subject, field and operation of a test, in one number: what can be one has the same. */
static uint64_t shape_of(const struct enforcer *e, uint32_t number) {
        const struct condition *condition = condition_at(e, number);
        const struct predicate *predicate;
        uint32_t op;

        if (condition->op != CONDITION_PREDICATE)
                return UINT64_MAX;
        predicate = &e->program->predicates[condition->args.first];
        op = predicate->op == PREDICATE_IN_STRINGS ? PREDICATE_STRING
           : predicate->op == PREDICATE_LESS || predicate->op == PREDICATE_LESS_EQUAL ||
                             predicate->op == PREDICATE_GREATER || predicate->op == PREDICATE_GREATER_EQUAL ||
                             predicate->op == PREDICATE_IN_NUMBERS
                     ? PREDICATE_EQUAL
                     : predicate->op;
        return (uint64_t)predicate->field << 32 | (uint64_t)predicate->subject << 16 | op;
}

static bool is_one_test(const struct enforcer *e, const struct condition *condition) {
        const struct uint32_t_ *children = &e->program->children[condition->args.first];
        uint64_t shape = shape_of(e, children[0].value);

        for (uint32_t i = 0; i < condition->args.n; i++)
                if (shape_of(e, children[i].value) != shape || shape == UINT64_MAX)
                        return false;
        return true;
}

/* Of an event of another kind it is false (docs/SEMANTICS.md); exceptions name all. Nor has the call failed yet. */
static bool is_foreign(const struct enforcer *e, uint32_t number) {
        const struct condition *condition = condition_at(e, number);
        const struct field_info *info;
        uint16_t field = 0;

        switch ((enum condition_op)condition->op) {
        case CONDITION_PREDICATE:
                field = e->program->predicates[condition->args.first].field;
                break;
        case CONDITION_GUARD:
                field = e->program->guards[condition->args.first].field;
                break;
        case CONDITION_OR:
                return is_foreign(e, e->program->children[condition->args.first].value);
        case CONDITION_TRUE:
        case CONDITION_FALSE:
        case CONDITION_AND:
        case CONDITION_NOT:
        case CONDITION_ANCESTOR:
        case _CONDITION_OP_MAX:
                return false;
        }
        if (field == FIELD_COMMON_failed)
                return true;
        info = schema_field((enum field)field);
        return info && info->scope == FIELD_EVENT && info->kind != (enum wire_kind)e->kind;
}

static int add_literal(struct enforcer *e, struct disjunction *d, uint32_t condition, bool negate) {
        if (is_foreign(e, condition)) {
                if (!negate)
                        d->n = 0;
                return 0;
        }
        for (size_t i = 0; i < d->n; i++) {
                if (d->of[i].n == LITERALS_MAX)
                        return refuse(e, "it has too many conditions");
                d->of[i].literals[d->of[i].n++] = (struct literal){condition, negate};
        }
        return 0;
}

static int multiply(struct enforcer *e, struct disjunction *d, uint32_t number, bool negate);

/* Nothing more is asked for. */
static bool is_as_before(const struct disjunction *d, const struct disjunction *before) {
        for (size_t i = 0; i < before->n && d->n == before->n; i++)
                if (d->of[i].n != before->of[i].n)
                        return false;
        return d->n == before->n;
}

static int multiply_any(struct enforcer *e, struct disjunction *d, const struct condition *condition, bool negate) {
        const struct disjunction before = *d;

        d->n = 0;
        for (uint32_t i = 0; i < condition->args.n; i++) {
                struct disjunction way = before;
                int r;

                r = multiply(e, &way, e->program->children[condition->args.first + i].value, negate);
                if (r < 0)
                        return r;
                if (is_as_before(&way, &before)) {
                        *d = before;
                        return 0;
                }
                if (d->n + way.n > ENFORCEMENT_MAX_RULES)
                        return refuse(e, "its alternatives are more than 8 rules");
                memcpy(&d->of[d->n], way.of, way.n * sizeof(*way.of));
                d->n += way.n;
        }
        return 0;
}

static int multiply_all(struct enforcer *e, struct disjunction *d, const struct condition *condition, bool negate) {
        for (uint32_t i = 0; i < condition->args.n; i++) {
                int r = multiply(e, d, e->program->children[condition->args.first + i].value, negate);

                if (r < 0)
                        return r;
        }
        return 0;
}

/* d becomes `d and condition`, or `d and not condition`. Kleene's values allow it. */
static int multiply(struct enforcer *e, struct disjunction *d, uint32_t number, bool negate) {
        const struct condition *condition = condition_at(e, number);

        switch ((enum condition_op)condition->op) {
        case CONDITION_TRUE:
        case CONDITION_FALSE:
                if ((condition->op == CONDITION_TRUE) == negate)
                        d->n = 0;
                return 0;
        case CONDITION_NOT:
                return multiply(e, d, condition->args.first, !negate);
        case CONDITION_PREDICATE:
        case CONDITION_GUARD:
                return add_literal(e, d, number, negate);
        case CONDITION_AND:
                return negate ? multiply_any(e, d, condition, true) : multiply_all(e, d, condition, false);
        case CONDITION_OR:
                if (is_one_test(e, condition))
                        return add_literal(e, d, number, negate);
                return negate ? multiply_all(e, d, condition, true) : multiply_any(e, d, condition, false);
        case CONDITION_ANCESTOR:
                return refuse(e, "the kernel looks at the caller, and at nobody before him");
        case _CONDITION_OP_MAX:
                break;
        }
        return -EINVAL;
}

/* ---- tests ---- */

static struct enforcement_operand *add_operand(struct enforcement_test *test) {
        return test->n_operands < ENFORCEMENT_MAX_OPERANDS ? &test->operands[test->n_operands++] : NULL;
}

static int add_text(struct enforcer *e, struct enforcement_test *test, struct program_string string) {
        struct enforcement_operand *operand = add_operand(test);

        if (!operand)
                return refuse(e, "one of its lists has more than 32 items");
        if (string.length == 0 || string.length > ENFORCEMENT_MAX_TEXT)
                return refuse(e, "one of its texts is empty, or longer than 240 bytes");
        operand->text = program_text(e->program, string);
        operand->n_text = string.length;
        return 0;
}

/* Beyond what 32 bits hold nothing is. */
static int add_range(struct enforcer *e, struct enforcement_test *test, int64_t low, int64_t high) {
        struct enforcement_operand *operand = add_operand(test);

        if (!operand)
                return refuse(e, "one of its lists has more than 32 items");
        if (low > UINT32_MAX || high < 0 || low > high)
                *operand = (struct enforcement_operand){.low = 1, .high = 0};   /* none */
        else
                *operand = (struct enforcement_operand){.low = (uint32_t)MAX(low, INT64_C(0)),
                                                        .high = (uint32_t)MIN(high, (int64_t)UINT32_MAX)};
        return 0;
}

bool enforce_request(int64_t request, bool deny) {
        switch (request) {
        case PTRACE_TRACEME:
        case PTRACE_ATTACH:
        case PTRACE_SEIZE:
        case WIRE_PTRACE_READV:
        case WIRE_PTRACE_WRITEV: return true;
        case WIRE_PTRACE_PROC_MEM: return false;
        default: return !deny;
        }
}

/* One that is never decided must not be waited for; beside others it takes nothing away. */
static bool is_undecided_request(const struct enforcer *e, const struct enforcement_test *test, int64_t number) {
        return test->field == ENFORCEMENT_REQUEST && !test->negate &&
               !enforce_request(number, e->path->enforce == PATH_ENFORCE_DENY);
}

static int add_number(struct enforcer *e, struct enforcement_test *test, const struct predicate *predicate) {
        int64_t number = predicate->number;
        int r = 0;

        if (test->field == ENFORCEMENT_FLAGS)
                return refuse(e, "flags are compared by their bits");
        test->op = ENFORCEMENT_RANGE;
        switch ((int)predicate->op) {
        case PREDICATE_EQUAL:
                if (is_undecided_request(e, test, number))
                        return refuse(e, "a request of its last step goes by no hook of the kernel");
                return add_range(e, test, number, number);
        case PREDICATE_LESS: return add_range(e, test, 0, number > 0 ? number - 1 : -1);
        case PREDICATE_LESS_EQUAL: return add_range(e, test, 0, number);
        case PREDICATE_GREATER: return add_range(e, test, MIN(number, (int64_t)UINT32_MAX) + 1, UINT32_MAX);
        case PREDICATE_GREATER_EQUAL: return add_range(e, test, number, UINT32_MAX);
        default: break;
        }
        for (uint32_t i = 0; i < predicate->list.n && r >= 0; i++) {
                number = e->program->numbers[predicate->list.first + i].value;
                r = is_undecided_request(e, test, number)
                          ? refuse(e, "a request of its last step goes by no hook of the kernel")
                          : add_range(e, test, number, number);
        }
        return r;
}

static int add_bits(struct enforcer *e, struct enforcement_test *test, const struct predicate *predicate) {
        struct enforcement_operand *operand = add_operand(test);

        if (!operand || test->field != ENFORCEMENT_FLAGS || (predicate->number & ~(int64_t)ENFORCE_OPEN_FLAGS) != 0)
                return refuse(e, "of flags the kernel keeps O_WRONLY, O_RDWR and O_APPEND alone");
        test->op = predicate->op == PREDICATE_BITS_ANY ? ENFORCEMENT_ANY_BITS : ENFORCEMENT_ALL_BITS;
        operand->low = (uint32_t)predicate->number;
        return 0;
}

static int add_networks(struct enforcer *e, struct enforcement_test *test, struct program_range list) {
        test->op = ENFORCEMENT_NETWORK;
        for (uint32_t i = 0; i < list.n; i++) {
                const struct program_network *network = &e->program->networks[list.first + i];
                struct enforcement_operand *operand = add_operand(test);

                if (!operand)
                        return refuse(e, "one of its lists has more than 32 items");
                operand->address = network->address;
                operand->bits = network->prefix;
        }
        return 0;
}

/* The operands of one comparison, beside those that are there. */
static int add_predicate(struct enforcer *e, struct enforcement_test *test, const struct predicate *predicate) {
        const struct program_range list = predicate->list;
        int r = 0;

        test->field = enforce_field(e->kind, predicate->field, predicate->subject, &e->why);
        if (test->field == _ENFORCEMENT_FIELD_MAX)
                return -EOPNOTSUPP;

        switch ((int)predicate->op) {
        case PREDICATE_EQUAL:
        case PREDICATE_LESS:
        case PREDICATE_LESS_EQUAL:
        case PREDICATE_GREATER:
        case PREDICATE_GREATER_EQUAL:
        case PREDICATE_IN_NUMBERS:
                return add_number(e, test, predicate);
        case PREDICATE_BITS_ANY:
        case PREDICATE_BITS_ALL:
                return add_bits(e, test, predicate);
        case PREDICATE_STRING:
                test->op = ENFORCEMENT_EXACT;
                return add_text(e, test, predicate->string);
        case PREDICATE_PREFIX:
                test->op = ENFORCEMENT_PREFIX;
                return add_text(e, test, predicate->string);
        case PREDICATE_SUFFIX:
                test->op = ENFORCEMENT_SUFFIX;
                return add_text(e, test, predicate->string);
        case PREDICATE_IN_STRINGS:
                test->op = ENFORCEMENT_EXACT;
                for (uint32_t i = 0; i < list.n && r >= 0; i++)
                        r = add_text(e, test, e->program->texts[list.first + i]);
                return r;
        case PREDICATE_IN_NETWORKS:
                return add_networks(e, test, list);
        default:
                return refuse(e, "the kernel compares exactly, or by prefix or suffix");
        }
}

static int add_guard(struct enforcer *e, struct enforcement_test *test, const struct guard *guard) {
        uint16_t *slot;

        test->field = enforce_field(e->kind, guard->field, guard->subject, &e->why);
        if (test->field == _ENFORCEMENT_FIELD_MAX)
                return -EOPNOTSUPP;
        if (guard->op != GUARD_EQUAL || (test->field != ENFORCEMENT_FILE && test->field != ENFORCEMENT_ADDRESS))
                return refuse(e, "of captures the kernel compares files ('file') and addresses alone");
        test->op = ENFORCEMENT_CAPTURED;
        slot = test->field == ENFORCEMENT_FILE ? &e->out->file_slot : &e->out->address_slot;
        if (*slot != ENFORCEMENT_NO_SLOT && *slot != guard->slot)
                return refuse(e, "it compares with two captures of one kind");
        *slot = guard->slot;
        return 0;
}

static int make_test(struct enforcer *e, struct enforcement_test *test, const struct literal *literal) {
        const struct condition *condition = condition_at(e, literal->condition);
        int r = 0;

        test->negate = literal->negate;
        if (condition->op == CONDITION_GUARD)
                return add_guard(e, test, &e->program->guards[condition->args.first]);
        if (condition->op == CONDITION_PREDICATE)
                return add_predicate(e, test, &e->program->predicates[condition->args.first]);
        for (uint32_t i = 0; i < condition->args.n && r >= 0; i++) {
                const struct condition *child =
                        condition_at(e, e->program->children[condition->args.first + i].value);

                r = add_predicate(e, test, &e->program->predicates[child->args.first]);
        }
        return r;
}

static bool is_same_test(const struct enforcement_test *a, const struct enforcement_test *b) {
        return a->field == b->field && a->op == b->op && a->negate == b->negate && a->n_operands == b->n_operands &&
               memcmp(a->operands, b->operands, a->n_operands * sizeof(*a->operands)) == 0;
}

static bool is_awaited_alike(const struct enforcer *e, uint8_t bit) {
        for (size_t at = 0; at < ELEMENTSOF(e->at); at++)
                if (e->at[at] != !!(e->out->awaited[at] & bit))
                        return false;
        return true;
}

/* `exe == "/a" or exe == "/b"`: rules that differ in the operands of one test are one rule. */
static bool join_rule(struct enforcement_rule *to, const struct enforcement_rule *rule) {
        const struct enforcement_test *more;
        struct enforcement_test *test;
        size_t differs = rule->n_tests;

        if (to->n_tests != rule->n_tests || to->kind != rule->kind || to->armed != rule->armed)
                return false;
        for (size_t i = 0; i < rule->n_tests; i++)
                if (!is_same_test(&to->tests[i], &rule->tests[i])) {
                        if (differs != rule->n_tests)
                                return false;
                        differs = i;
                }
        if (differs == rule->n_tests)
                return true;
        test = &to->tests[differs];
        more = &rule->tests[differs];
        if (test->field != more->field || test->op != more->op || test->negate || more->negate ||
            test->op == ENFORCEMENT_CAPTURED || test->n_operands + more->n_operands > ENFORCEMENT_MAX_OPERANDS)
                return false;
        memcpy(&test->operands[test->n_operands], more->operands, more->n_operands * sizeof(*more->operands));
        test->n_operands += more->n_operands;
        return true;
}

static int make_rule(struct enforcer *e, const struct conjunction *conjunction, enum enforcement_key key, bool armed) {
        bool is_network = e->kind == WIRE_KIND_connect || e->kind == WIRE_KIND_sendto, has_address = false;
        struct enforcement_rule *rule;

        if (e->out->n_rules == ENFORCEMENT_MAX_RULES)
                return refuse(e, "its alternatives are more than 8 rules");
        if (conjunction->n == 0 && !armed)
                return refuse(e, "nothing comes before its last step, which has no condition: that is every call");
        if (conjunction->n > ENFORCEMENT_MAX_TESTS)
                return refuse(e, "it has more than 8 conditions, exceptions included");
        rule = &e->out->rules[e->out->n_rules];
        *rule = (struct enforcement_rule){
                .policy = program_text(e->program, e->path->name),
                .path = (uint32_t)(e->path - e->program->paths),
                .bit = (uint8_t)(1U << e->out->n_rules),
                .kind = (enum wire_kind)e->kind,
                .kill = e->path->enforce == PATH_ENFORCE_KILL,
                .armed = armed,
                .key = key,
                .n_tests = conjunction->n,
        };
        for (size_t i = 0; i < conjunction->n; i++) {
                int r = make_test(e, &rule->tests[i], &conjunction->literals[i]);

                if (r < 0)
                        return r;
                has_address = has_address || rule->tests[i].field == ENFORCEMENT_ADDRESS ||
                              rule->tests[i].field == ENFORCEMENT_PORT;
        }
        if (is_network && !has_address)
                return refuse(e, "the kernel decides where the far side has an address: compare 'daddr' or 'dport'");
        for (size_t i = 0; i < e->out->n_rules; i++)
                if (is_awaited_alike(e, e->out->rules[i].bit) && join_rule(&e->out->rules[i], rule))
                        return 0;
        for (size_t at = 0; at < ELEMENTSOF(e->at); at++)
                e->out->awaited[at] |= e->at[at] ? rule->bit : 0;
        e->out->n_rules++;
        return 0;
}

/* ---- paths ---- */

static int find_key(struct enforcer *e, enum enforcement_key *ret) {
        switch ((enum program_key)e->path->by) {
        case KEY_PROCESS: *ret = ENFORCEMENT_PROCESS; return 0;
        case KEY_TREE: *ret = ENFORCEMENT_TREE; return 0;
        case KEY_UNIT: *ret = ENFORCEMENT_UNIT; return 0;
        case KEY_CONTAINER: *ret = ENFORCEMENT_CONTAINER; return 0;
        case KEY_USER: *ret = ENFORCEMENT_USER; return 0;
        case KEY_HOST: *ret = ENFORCEMENT_HOST; return 0;
        case KEY_DESCENT:
        case _KEY_MAX:
                break;
        }
        return refuse(e, "by descent a call may be of many stories, and the kernel forgets creators that have ended");
}

/* The same last step may be waited for at two places: after a step that may take nothing, and before it. Is this the
 * first of them? */
static bool is_first(struct enforcer *e, uint32_t at, const struct edge *edge) {
        const struct position *positions = &e->program->positions[e->path->positions.first];

        memset(e->at, 0, sizeof(e->at));
        e->at[at] = true;
        for (uint32_t other = 1; at > 0 && other < e->path->positions.n; other++)
                for (uint32_t i = 0; i < positions[other].edges.n; i++) {
                        const struct edge *same = &e->program->edges[positions[other].edges.first + i];

                        if (same->target != POSITION_ACCEPT || same->kind != edge->kind ||
                            same->condition != edge->condition)
                                continue;
                        if (other < at)
                                return false;
                        e->at[other] = true;
                }
        return true;
}

static int make_rules(struct enforcer *e, const struct edge *edge, bool armed) {
        struct disjunction d = {.n = 1};
        enum enforcement_key key;
        int r;

        e->kind = edge->kind;
        if (e->kind != WIRE_KIND_connect && e->kind != WIRE_KIND_sendto && e->kind != WIRE_KIND_openat &&
            e->kind != WIRE_KIND_execve && e->kind != WIRE_KIND_ptrace)
                return refuse(e, "its last step is no connect, sendto, openat, execve or ptrace");
        r = find_key(e, &key);
        if (r >= 0)
                r = multiply(e, &d, edge->condition, false);
        for (uint32_t i = 0; i < e->path->exceptions.n && r >= 0; i++) {
                const struct path_exception *exception = &e->program->exceptions[e->path->exceptions.first + i];

                if (exception->slots != 0)
                        return refuse(e, "one of its exceptions names a capture");
                r = multiply(e, &d, exception->condition, true);
        }
        for (size_t i = 0; i < d.n && r >= 0; i++)
                r = make_rule(e, &d.of[i], key, armed);
        return r;
}

/* What may end the story behind the kernel's back, or complete it otherwise. */
static int check_position(struct enforcer *e, const struct position *position) {
        bool last = position->absence != PROGRAM_NONE &&
                    e->program->absences[position->absence].target == POSITION_ACCEPT;
        bool others = last;

        for (uint32_t i = 0; i < position->edges.n; i++) {
                const struct edge *edge = &e->program->edges[position->edges.first + i];

                others = others || (edge->type != EDGE_ADVANCE && edge->type != EDGE_LOOP);
                last = last || (edge->target == POSITION_ACCEPT && edge->type != EDGE_KILL) || edge->type == EDGE_SCORE;
        }
        return last && others ? refuse(e, "its last step is not one call alone") : 0;
}

int enforce_path(const struct program *program, uint32_t path, struct enforcement *ret, const char **ret_why) {
        struct enforcer e = {.program = program, .path = &program->paths[path], .why = "", .out = ret};
        int r = 0;

        *ret = (struct enforcement){.file_slot = ENFORCEMENT_NO_SLOT, .address_slot = ENFORCEMENT_NO_SLOT};
        if (e.path->enforce == PATH_ENFORCE_NONE)
                return -ENODATA;
        if (e.path->untils.n > 0)
                r = refuse(&e, "an 'until' may have ended its story");

        for (uint32_t at = 0; at < e.path->positions.n && r >= 0; at++) {
                const struct position *position = &program->positions[e.path->positions.first + at];

                r = check_position(&e, position);
                for (uint32_t i = 0; i < position->edges.n && r >= 0; i++) {
                        const struct edge *edge = &program->edges[position->edges.first + i];

                        if (edge->target == POSITION_ACCEPT && is_first(&e, at, edge))
                                r = make_rules(&e, edge, at > 0);
                }
        }
        if (r >= 0 && ret->n_rules == 0)
                r = refuse(&e, "its last step can never be taken");
        if (r < 0 && ret_why)
                *ret_why = e.why;
        return r;
}
