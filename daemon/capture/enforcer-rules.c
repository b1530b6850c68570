/* SPDX-License-Identifier: Apache-2.0 */
/* Enforcer, last steps of policies - rules become checks, one after the other, as bpf/enforce-rules.bpf.h goes through
 * them. */
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/macro.h"
#include "base/siphash.h"
#include "event/cgroup-path.h"

#include "capture/enforcer-private.h"

static_assert(ENFORCEMENT_MAX_TEXT <= ENFORCE_TEXT, "a text fits");
static_assert(ENFORCEMENT_MAX_RUNS <= ENFORCE_RUNS, "all runs fit");

int enforcer_place_of(const struct enforcement_rule *rule) {
        static const struct {
                enum wire_kind kind;
                enum enforce_place place;
        } places[] = {
                {WIRE_KIND_connect, ENFORCE_AT_CONNECT},
                {WIRE_KIND_sendto, ENFORCE_AT_SEND},
                {WIRE_KIND_openat, ENFORCE_AT_OPEN},
                {WIRE_KIND_execve, ENFORCE_AT_EXEC},
                {WIRE_KIND_ptrace, ENFORCE_AT_PTRACE},
        };

        for (size_t i = 0; i < ELEMENTSOF(places); i++)
                if (places[i].kind == rule->kind)
                        return (int)places[i].place;
        return -EINVAL;
}

static enum enforce_field field_of(const struct enforcement_test *test) {
        switch (test->field) {
        case ENFORCEMENT_UID: return ENFORCE_UID;
        case ENFORCEMENT_EUID: return ENFORCE_EUID;
        case ENFORCEMENT_GID: return ENFORCE_GID;
        case ENFORCEMENT_EGID: return ENFORCE_EGID;
        case ENFORCEMENT_EXE: return ENFORCE_EXE;
        case ENFORCEMENT_PATH: return ENFORCE_FILE_PATH;
        case ENFORCEMENT_FILE: return ENFORCE_FILE;
        case ENFORCEMENT_FLAGS: return ENFORCE_FLAGS;
        case ENFORCEMENT_ADDRESS:
                return test->op == ENFORCEMENT_CAPTURED ? ENFORCE_ADDRESS_CAPTURED : ENFORCE_ADDRESS;
        case ENFORCEMENT_PORT: return ENFORCE_PORT;
        case ENFORCEMENT_REQUEST: return ENFORCE_REQUEST;
        case ENFORCEMENT_TARGET_PID: return ENFORCE_TARGET_PID;
        case ENFORCEMENT_TARGET_UID: return ENFORCE_TARGET_UID;
        case _ENFORCEMENT_FIELD_MAX: break;
        }
        abort();
}

static enum enforce_op op_of(enum enforcement_op op) {
        switch (op) {
        case ENFORCEMENT_EXACT: return ENFORCE_WHOLE;
        case ENFORCEMENT_PREFIX: return ENFORCE_BEGINS;
        case ENFORCEMENT_SUFFIX: return ENFORCE_ENDS;
        case ENFORCEMENT_RANGE: return ENFORCE_IN_RANGE;
        case ENFORCEMENT_ANY_BITS: return ENFORCE_ANY_BITS;
        case ENFORCEMENT_ALL_BITS: return ENFORCE_ALL_BITS;
        case ENFORCEMENT_NETWORK:
        case ENFORCEMENT_CAPTURED: return ENFORCE_SAME;
        case _ENFORCEMENT_OP_MAX: break;
        }
        abort();
}

static enum enforce_key key_of(enum enforcement_key key) {
        switch (key) {
        case ENFORCEMENT_PROCESS: return ENFORCE_KEY_PROCESS;
        case ENFORCEMENT_TREE: return ENFORCE_KEY_TREE;
        case ENFORCEMENT_UNIT: return ENFORCE_KEY_UNIT;
        case ENFORCEMENT_CONTAINER: return ENFORCE_KEY_CONTAINER;
        case ENFORCEMENT_USER: return ENFORCE_KEY_USER;
        case ENFORCEMENT_HOST: return ENFORCE_KEY_HOST;
        case _ENFORCEMENT_KEY_MAX: break;
        }
        abort();
}

static struct enforce_check *next_check(struct enforcer_checks *checks) {
        return checks->n < ENFORCE_CHECKS ? &checks->checks[checks->n++] : NULL;
}

static int fill(struct enforce_check *check, const struct enforcement_operand *operand) {
        switch (check->field) {
        case ENFORCE_EXE:
        case ENFORCE_FILE_PATH:
                if (operand->n_text == 0 || operand->n_text > ENFORCE_TEXT)
                        return -EINVAL;
                memcpy(check->text, operand->text, operand->n_text);
                check->n_text = (uint32_t)operand->n_text;
                return 0;
        case ENFORCE_ADDRESS:
                if (operand->bits > (operand->address.family == AF_INET ? 32U : 128U))
                        return -EINVAL;
                memcpy(check->address, operand->address.bytes, sizeof(check->address));
                check->low = operand->address.family;
                check->high = operand->bits;
                return 0;
        default:
                check->low = operand->low;
                check->high = operand->high;
                return 0;
        }
}

static int add_test(struct enforcer_checks *checks, const struct enforcement_test *test) {
        size_t n = test->op == ENFORCEMENT_CAPTURED ? 1 : test->n_operands;

        if (n == 0)
                return -EINVAL;
        for (size_t i = 0; i < n; i++) {
                struct enforce_check *check = next_check(checks);
                int r;

                if (!check)
                        return -E2BIG;
                check->field = (uint8_t)field_of(test);
                check->op = (uint8_t)op_of(test->op);
                check->flags = (uint8_t)((test->negate ? ENFORCE_NEGATE : 0) | (i == n - 1 ? ENFORCE_END : 0));
                if (test->op == ENFORCEMENT_CAPTURED)
                        continue;
                r = fill(check, &test->operands[i]);
                if (r < 0)
                        return r;
        }
        return 0;
}

int enforcer_add_rule(struct enforcer_checks *checks, const struct enforcement_rule *rule, uint32_t number) {
        size_t first = checks->n;
        struct enforce_check *check;
        int r;

        if (rule->armed) {
                check = next_check(checks);
                if (!check)
                        return -E2BIG;
                *check = (struct enforce_check){.field = ENFORCE_KEY, .op = ENFORCE_SAME, .flags = ENFORCE_END,
                                                .key = (uint8_t)key_of(rule->key), .low = rule->path,
                                                .high = rule->bit};
        }
        for (size_t i = 0; i < rule->n_tests; i++) {
                r = add_test(checks, &rule->tests[i]);
                if (r < 0)
                        return r;
        }
        if (checks->n == first)
                return -EINVAL;         /* would be every call */
        for (size_t i = first; i < checks->n; i++)
                checks->checks[i].next = (uint32_t)checks->n;
        checks->checks[checks->n - 1].rule = number | (rule->kill ? ENFORCE_KILL : 0);
        return 0;
}

static bool is_by_name(enum enforce_key key) {
        return key == ENFORCE_KEY_UNIT || key == ENFORCE_KEY_CONTAINER;
}

static int add_path(struct enforcer *enforcer, const struct enforcement_rule *rule) {
        enforcer->names_groups = enforcer->names_groups || is_by_name(key_of(rule->key));
        for (size_t i = 0; i < enforcer->n_paths; i++)
                if (enforcer->paths[i].path == rule->path)
                        return 0;
        if (enforcer->n_paths == ENFORCER_MAX_PATHS)
                return -E2BIG;
        enforcer->paths[enforcer->n_paths++] = (struct enforcer_path){rule->path, key_of(rule->key)};
        return 0;
}

static int add_place(struct enforcer *enforcer, struct enforcer_checks *checks, int place,
                     const struct capture_enforcement *enforcement, const bool *takes) {
        struct enforce_span *span = &checks->spans[place];
        int r;

        span->first = (uint32_t)checks->n;
        for (size_t i = 0; i < enforcement->n_rules; i++) {
                const struct enforcement_rule *rule = &enforcement->rules[i];

                if (!takes[i] || enforcer_place_of(rule) != place)
                        continue;
                r = enforcer_name_rule(enforcer, rule->policy);
                if (r >= 0)
                        r = enforcer_add_rule(checks, rule, (uint32_t)enforcer->n_rules);
                if (r >= 0 && rule->armed)
                        r = add_path(enforcer, rule);
                if (r < 0)
                        return r;
        }
        span->end = (uint32_t)checks->n;
        for (uint32_t i = span->first; i < span->end; i++)
                span->fields |= 1U << checks->checks[i].field;
        span->fields |= 1U << ENFORCE_FILE_PATH;        /* is told */
        return 0;
}

int enforcer_put_rules(struct enforcer *enforcer, const struct capture_enforcement *enforcement, const bool *takes) {
        _cleanup_(freep) struct enforce_check *room = calloc(ENFORCE_CHECKS, sizeof(*room));
        struct enforcer_checks checks = {.checks = room};
        int r;

        if (!room)
                return -ENOMEM;
        for (int place = 0; place < ENFORCE_N_PLACES; place++) {
                r = add_place(enforcer, &checks, place, enforcement, takes);
                if (r < 0)
                        return r;
        }
        for (uint32_t i = 0; i < checks.n; i++) {
                r = enforcer_put(enforcer->skeleton->maps.checks, &i, &checks.checks[i]);
                if (r < 0)
                        return r;
        }
        memcpy(enforcer->skeleton->bss->spans, checks.spans, sizeof(checks.spans));
        return 0;
}

/* ---- arming ---- */

/* Of a unit's or a container's name: as unlikely to be another's as one that is captured (engine/evidence.h). */
static uint64_t number_of(const char *name, size_t n) {
        return n > 0 ? siphash64(name, n, siphash_process_key()) | 1 : 0;
}

static int key_for(const struct enforcer *enforcer, const struct enforcement_arming *arming,
                   struct enforce_arming *ret) {
        for (size_t i = 0; i < enforcer->n_paths; i++)
                if (enforcer->paths[i].path == arming->path) {
                        enum enforce_key key = (enum enforce_key)enforcer->paths[i].key;

                        *ret = (struct enforce_arming){.path = arming->path, .key = key};
                        if (is_by_name(key))
                                ret->id = number_of(arming->name, arming->n_name);
                        else if (key != ENFORCE_KEY_HOST)
                                ret->id = arming->id;
                        if (key == ENFORCE_KEY_PROCESS || key == ENFORCE_KEY_TREE)
                                ret->start_ns = arming->start_ns;
                        return 0;
                }
        return -ENOENT;
}

static void fill_run(struct enforce_run *to, const struct enforcement_run *run) {
        to->deadline_ns = run->deadline_ns;
        to->rules = run->rules;
        if (run->has_file) {
                to->has_file = 1;
                to->inode = run->file.inode;
                to->device = run->file.device;
        }
        if (run->has_address) {
                to->family = run->address.family;
                memcpy(to->address, run->address.bytes, sizeof(to->address));
        }
}

int enforcer_arm(struct enforcer *enforcer, const struct enforcement_arming *arming) {
        struct enforce_arming key;
        struct enforce_armed armed = {.n = arming->n_runs};
        int r;

        assert(arming->n_runs <= ENFORCEMENT_MAX_RUNS);

        r = key_for(enforcer, arming, &key);
        if (r < 0)
                return r;
        if (arming->n_runs == 0) {
                r = bpf_map_delete_elem(bpf_map__fd(enforcer->skeleton->maps.armed), &key);
                return r == -ENOENT ? 0 : r;
        }
        for (size_t i = 0; i < arming->n_runs; i++)
                fill_run(&armed.runs[i], &arming->runs[i]);
        r = enforcer_put(enforcer->skeleton->maps.armed, &key, &armed);
        if (r < 0 || arming->crowded)
                enforcer->n_unarmed++;
        return r;
}

/* ---- control groups ---- */

bool enforcer_names_groups(const struct enforcer *enforcer) {
        return enforcer->names_groups;
}

void enforcer_name_group(struct enforcer *enforcer, uint64_t id, const char *path, size_t n_path, bool is_cut) {
        char container[CGROUP_NAME_MAX];
        struct enforce_group group = {};
        struct cgroup_parts parts;

        if (!enforcer->names_groups || n_path > UINT16_MAX)
                return;
        cgroup_parse(path, n_path, is_cut, &parts, container);
        group.unit = number_of(path + parts.unit.offset, parts.unit.length);
        group.container = number_of(container + parts.container.offset, parts.container.length);
        /* Without either it says nothing that the groups above do not say. */
        if ((group.unit || group.container) && enforcer_put(enforcer->skeleton->maps.groups, &id, &group) < 0)
                enforcer->n_unnamed++;
}

void enforcer_forget_group(struct enforcer *enforcer, uint64_t id) {
        if (enforcer->names_groups)
                (void)bpf_map_delete_elem(bpf_map__fd(enforcer->skeleton->maps.groups), &id);
}
