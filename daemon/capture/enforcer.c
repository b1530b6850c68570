/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/enforcer.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/macro.h"

#include "capture/attach.h"
#include "capture/enforcer-private.h"
#include "capture/kernel.h"
#include "capture/tier.h"

/* Which program is of use for what. */
enum hook_use {
        USE_ALWAYS,
        USE_KILL,                       /* if callers are to be killed */
        USE_SECURITY,                   /* if the kernel takes programs on security hooks, */
        USE_LISTS,                      /* and those that are of use for lists */
        USE_POLICIES,                   /* or for policies alone, */
        USE_NO_SECURITY,                /* and if not: for callers that are to be killed */
};

static const struct enforcer_hook {
        enum enforce_place at;
        enum hook_use use;
        const char *place;
} enforcer_hooks[] = {
        {ENFORCE_AT_CONNECT, USE_ALWAYS, "cgroup/connect4"},
        {ENFORCE_AT_CONNECT, USE_ALWAYS, "cgroup/connect6"},
        {ENFORCE_AT_CONNECT, USE_KILL, "tp/syscalls/sys_exit_connect"},
        {ENFORCE_AT_SEND, USE_ALWAYS, "cgroup/sendmsg4"},
        {ENFORCE_AT_SEND, USE_ALWAYS, "cgroup/sendmsg6"},
        {ENFORCE_AT_SEND, USE_KILL, "tp/syscalls/sys_exit_sendto"},
        {ENFORCE_AT_SEND, USE_KILL, "tp/syscalls/sys_exit_sendmsg"},
        {ENFORCE_AT_SEND, USE_KILL, "tp/syscalls/sys_exit_sendmmsg"},
        {ENFORCE_AT_EXEC, USE_LISTS, "lsm/bprm_check_security"},
        {ENFORCE_AT_EXEC, USE_POLICIES, "lsm/bprm_creds_from_file"},
        {ENFORCE_AT_OPEN, USE_SECURITY, "lsm/file_open"},
        {ENFORCE_AT_PTRACE, USE_SECURITY, "lsm/ptrace_access_check"},
        {ENFORCE_AT_PTRACE, USE_SECURITY, "lsm/ptrace_traceme"},
        {ENFORCE_AT_PTRACE, USE_KILL, "tp/syscalls/sys_exit_ptrace"},
        {ENFORCE_AT_PTRACE, USE_KILL, "tp/syscalls/sys_exit_process_vm_readv"},
        {ENFORCE_AT_PTRACE, USE_KILL, "tp/syscalls/sys_exit_process_vm_writev"},
        {ENFORCE_AT_EXEC, USE_NO_SECURITY, "tp_btf/sched_process_exec"},
        {ENFORCE_AT_OPEN, USE_NO_SECURITY, "tp/syscalls/sys_exit_openat"},
        {ENFORCE_AT_OPEN, USE_NO_SECURITY, "tp/syscalls/sys_exit_openat2"},
        {ENFORCE_AT_OPEN, USE_NO_SECURITY, "tp/syscalls/sys_exit_open"},
        {ENFORCE_AT_OPEN, USE_NO_SECURITY, "tp/syscalls/sys_exit_creat"},
};

#define N_ENFORCER_HOOKS ELEMENTSOF(enforcer_hooks)
static_assert(N_ENFORCER_HOOKS <= ENFORCER_MAX_HOOKS, "there is room for all");

/* What an enforcer is for. */
struct purpose {
        unsigned places;                /* where something is decided: 1 << enum enforce_place */
        bool kill, security, policies;
};

int enforcer_name_rule(struct enforcer *enforcer, const char *name) {
        if (enforcer->n_rules == ENFORCE_RULES)
                return -E2BIG;
        enforcer->rules[enforcer->n_rules] = strdup(name);
        if (!enforcer->rules[enforcer->n_rules])
                return -ENOMEM;
        enforcer->n_rules++;
        return 0;
}

/* ---- load and attach ---- */

static struct bpf_program *program_of(struct enforce *skeleton, size_t i) {
        struct bpf_program *const programs[N_ENFORCER_HOOKS] = {
                skeleton->progs.refuse_connect4, skeleton->progs.refuse_connect6, skeleton->progs.end_call,
                skeleton->progs.refuse_sendmsg4, skeleton->progs.refuse_sendmsg6, skeleton->progs.end_call,
                skeleton->progs.end_call,        skeleton->progs.end_call,        skeleton->progs.refuse_exec,
                skeleton->progs.refuse_image,    skeleton->progs.refuse_open,     skeleton->progs.refuse_ptrace,
                skeleton->progs.refuse_traceme,  skeleton->progs.end_ptrace,      skeleton->progs.end_ptrace,
                skeleton->progs.end_ptrace,      skeleton->progs.end_exec,        skeleton->progs.end_open,
                skeleton->progs.end_open,        skeleton->progs.end_open,        skeleton->progs.end_open,
        };

        return programs[i];
}

/* Why no address can be refused on this kernel, or no file; NULL: it can. */
static const char *obstacle_to_addresses(const struct enforcer_place *place) {
        if (!kernel_get()->cgroup_address)
                return "this kernel has no programs on connect()";
        return place->cgroup2 ? NULL : "cgroup v2 is not mounted";
}

static const char *obstacle_to_files(const struct enforcer_place *place) {
        const char *why = NULL;

        if (place->tier != CAPTURE_TIER_LSM)
                return "BPF LSM is switched off (capture.backend)";
        if (tier_try(CAPTURE_TIER_LSM, &why) < 0)
                return why ?: "this kernel does not take BPF LSM programs";
        return NULL;
}

/* The kernel forgets these as it opens the file, before its end can be looked at. */
#define FORGOTTEN_FLAGS (O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC)

static bool asks_for_forgotten(const struct enforcement_rule *rule) {
        for (size_t i = 0; i < rule->n_tests; i++) {
                const struct enforcement_test *test = &rule->tests[i];

                for (size_t j = 0; test->field == ENFORCEMENT_FLAGS && j < test->n_operands; j++)
                        if (test->op == ENFORCEMENT_RANGE || test->operands[j].low & FORGOTTEN_FLAGS)
                                return true;
        }
        return false;
}

static bool asks_for_effective_ids(const struct enforcement_rule *rule) {
        for (size_t i = 0; i < rule->n_tests; i++)
                if (rule->tests[i].field == ENFORCEMENT_EUID || rule->tests[i].field == ENFORCEMENT_EGID)
                        return true;
        return false;
}

const char *enforcer_obstacle(const struct enforcement_rule *rule, const struct enforcer_place *place) {
        const char *why;

        if (rule->armed && (rule->key == ENFORCEMENT_UNIT || rule->key == ENFORCEMENT_CONTAINER) &&
            (place->named || !place->cgroup2))
                return "units and containers are told apart by cgroup v2, and here they are not";
        switch (enforcer_place_of(rule)) {
        case ENFORCE_AT_CONNECT:
        case ENFORCE_AT_SEND:
                return obstacle_to_addresses(place);
        case ENFORCE_AT_OPEN:
        case ENFORCE_AT_EXEC:
        case ENFORCE_AT_PTRACE:
                why = obstacle_to_files(place);
                if (!why || !rule->kill)
                        return why;
                if (rule->kind == WIRE_KIND_execve && asks_for_effective_ids(rule))
                        return "without BPF LSM the kernel tells no effective ids from before an exec";
                return asks_for_forgotten(rule)
                             ? "without BPF LSM the kernel does not tell create, excl, noctty and trunc"
                             : NULL;
        default:
                return "the kernel cannot decide calls of this kind";
        }
}

static bool is_of_use(const struct enforcer_hook *hook, const struct purpose *purpose) {
        if (!(purpose->places & 1U << hook->at))
                return false;
        switch (hook->use) {
        case USE_ALWAYS: return true;
        case USE_KILL: return purpose->kill;
        case USE_SECURITY: return purpose->security;
        case USE_LISTS: return purpose->security && !purpose->policies;
        case USE_POLICIES: return purpose->security && purpose->policies;
        case USE_NO_SECURITY: return !purpose->security;
        }
        return false;
}

static int attach_all(struct enforcer *enforcer, const struct purpose *purpose, const struct enforcer_place *place) {
        _cleanup_(closep) int cgroup_fd = -1, tracefs_fd = -ENOENT;

        if (purpose->kill)
                tracefs_fd = tracefs_open();
        if (purpose->places & (1U << ENFORCE_AT_CONNECT | 1U << ENFORCE_AT_SEND)) {
                cgroup_fd = open(place->cgroup2, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                if (cgroup_fd < 0)
                        return log_error_errno(-errno, "Cannot open '%s': %m", place->cgroup2);
        }
        for (size_t i = 0; i < N_ENFORCER_HOOKS; i++) {
                const struct enforcer_hook *hook = &enforcer_hooks[i];

                if (!is_of_use(hook, purpose))
                        continue;
                enforcer->links[i] = attach_program(bpf_program__fd(program_of(enforcer->skeleton, i)), hook->place, 0,
                                                    tracefs_fd, cgroup_fd);
                if (enforcer->links[i] == -ENOENT && (hook->use == USE_NO_SECURITY || hook->at == ENFORCE_AT_PTRACE))
                        continue;       /* a call that this machine does not have */
                if (enforcer->links[i] < 0)
                        return log_error_errno(enforcer->links[i], "Cannot refuse anything at %s: %m", hook->place);
        }
        return 0;
}

static void choose_programs(struct enforcer *enforcer, const struct purpose *purpose) {
        for (size_t i = 0; i < N_ENFORCER_HOOKS; i++)
                bpf_program__set_autoload(program_of(enforcer->skeleton, i), false);
        for (size_t i = 0; i < N_ENFORCER_HOOKS; i++)
                if (is_of_use(&enforcer_hooks[i], purpose))
                        bpf_program__set_autoload(program_of(enforcer->skeleton, i), true);
}

struct enforcer *enforcer_alloc(void) {
        struct enforcer *enforcer = calloc(1, sizeof(*enforcer));

        if (!enforcer)
                return NULL;
        for (size_t i = 0; i < ENFORCER_MAX_HOOKS; i++)
                enforcer->links[i] = -1;
        for (size_t i = 0; i < _ENFORCER_PARTS; i++)
                enforcer->parts[i] = -1;
        return enforcer;
}

static int open_enforcer(const struct purpose *purpose, struct enforcer **ret) {
        _cleanup_(enforcer_freep) struct enforcer *enforcer = enforcer_alloc();

        if (!enforcer)
                return log_oom();
        enforcer->skeleton = enforce__open();
        if (!enforcer->skeleton)
                return log_error_errno(-errno, "Cannot open the programs that refuse calls: %m");
        choose_programs(enforcer, purpose);
        *ret = TAKE_PTR(enforcer);
        return 0;
}

static int load(struct enforcer *enforcer) {
        int r = enforce__load(enforcer->skeleton);

        if (r >= 0)
                return 0;
        log_error_errno(r, "Cannot load the programs that refuse calls: %m");
        return r == -EPERM || r == -ENOMEM ? r : -EOPNOTSUPP;
}

/* With all that it refuses in its maps. */
static int begin(struct enforcer *enforcer, const struct purpose *purpose, const struct enforcer_place *place,
                 const struct capture_deny_list *protected) {
        int r;

        r = enforcer_protect(enforcer, protected);
        if (r < 0)
                return log_error_errno(r, "Cannot tell the kernel whom never to refuse anything: %m");
        r = ring_map(&enforcer->ring, bpf_map__fd(enforcer->skeleton->maps.verdicts), ENFORCE_RING);
        if (r < 0)
                return log_error_errno(r, "Cannot map the ring of what is refused: %m");
        r = enforcer_write_papers(enforcer);
        if (r < 0)
                log_warning_errno(r, "Cannot write down for the next process what is refused, it can only count: %m");
        enforcer_set_enforcing(enforcer, place->enforcing);
        return attach_all(enforcer, purpose, place) < 0 ? -ENOLINK : 0;
}

/* ---- lists ---- */

static const unsigned list_places[ENFORCE_N_LISTS] = {
        [ENFORCE_ADDRESSES] = 1U << ENFORCE_AT_CONNECT | 1U << ENFORCE_AT_SEND,
        [ENFORCE_EXECUTABLES] = 1U << ENFORCE_AT_EXEC,
        [ENFORCE_FILES] = 1U << ENFORCE_AT_OPEN,
};

/* Leave out what is not asked for, and what cannot be. */
static int choose_lists(const struct capture_deny *deny, const struct enforcer_place *place, struct purpose *purpose,
                        unsigned *ret_missing) {
        unsigned missing = 0;

        for (int list = 0; list < ENFORCE_N_LISTS; list++) {
                const char *why;

                if (enforcer_list_of(deny, (enum enforce_list)list)->n == 0)
                        continue;
                why = list == ENFORCE_ADDRESSES ? obstacle_to_addresses(place) : obstacle_to_files(place);
                if (!why) {
                        purpose->places |= list_places[list];
                        continue;
                }
                log_message(deny->closed ? LOG_ERR : LOG_WARNING, 0, "%s is not in force here: %s%s",
                            enforcer_list_names[list], why, deny->closed ? ", and deny.fail is closed" : "");
                if (deny->closed)
                        return -EOPNOTSUPP;
                missing |= 1U << list;
        }
        *ret_missing = missing;
        return 0;
}

static unsigned listed(const struct capture_deny *deny) {
        unsigned listed = 0;

        for (int list = 0; list < ENFORCE_N_LISTS; list++)
                if (enforcer_list_of(deny, (enum enforce_list)list)->n > 0)
                        listed |= 1U << list;
        return listed;
}

int enforcer_new(const struct capture_deny *deny, const struct enforcer_place *place, struct enforcer **ret) {
        _cleanup_(enforcer_freep) struct enforcer *enforcer = NULL;
        struct purpose purpose = {.kill = deny->kill, .security = true};
        unsigned missing;
        char why[512];
        int r;

        assert(deny && place && ret);

        r = enforcer_check(deny, why, sizeof(why));
        if (r < 0) {
                log_error("%s", why);
                return r;
        }
        *ret = NULL;
        if (!listed(deny))
                return 0;

        r = choose_lists(deny, place, &purpose, &missing);
        if (r >= 0)
                r = open_enforcer(&purpose, &enforcer);
        if (r < 0)
                return r;
        enforcer->missing = missing;
        enforcer->skeleton->rodata->closed = deny->closed;
        enforcer->skeleton->rodata->listed = listed(deny);
        r = load(enforcer);
        if (r < 0)
                return r;
        r = enforcer_put_lists(enforcer, deny);
        if (r < 0)
                return log_error_errno(r, "Cannot tell the kernel what to refuse: %m");
        r = begin(enforcer, &purpose, place, &deny->protected);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(enforcer);
        return 0;
}

/* ---- last steps of policies ---- */

static int choose_rules(const struct capture_enforcement *enforcement, const struct enforcer_place *place, bool *takes,
                        struct purpose *purpose) {
        purpose->security = obstacle_to_files(place) == NULL;
        for (size_t i = 0; i < enforcement->n_rules; i++) {
                const struct enforcement_rule *rule = &enforcement->rules[i];
                const char *why = enforcer_obstacle(rule, place);

                takes[i] = !why;
                if (!why) {
                        purpose->places |= 1U << enforcer_place_of(rule);
                        purpose->kill |= rule->kill;
                        continue;
                }
                log_message(enforcement->closed ? LOG_ERR : LOG_WARNING, 0,
                            "Policy '%s': the kernel cannot enforce it here: %s%s", rule->policy, why,
                            enforcement->closed ? ", and deny.fail is closed" : "");
                if (enforcement->closed)
                        return -EOPNOTSUPP;
        }
        return 0;
}

int enforcer_new_for_policies(const struct capture_enforcement *enforcement, const struct enforcer_place *place,
                              struct enforcer **ret) {
        _cleanup_(enforcer_freep) struct enforcer *enforcer = NULL;
        _cleanup_(freep) bool *takes = calloc(enforcement->n_rules + 1, sizeof(*takes));
        struct purpose purpose = {.policies = true};
        int r;

        assert(enforcement && place && ret);

        *ret = NULL;
        if (!takes)
                return log_oom();
        r = choose_rules(enforcement, place, takes, &purpose);
        if (r < 0 || !purpose.places)
                return r;
        r = open_enforcer(&purpose, &enforcer);
        if (r >= 0)
                r = load(enforcer);
        if (r < 0)
                return r;
        r = enforcer_put_rules(enforcer, enforcement, takes);
        if (r < 0)
                return log_error_errno(r, "Cannot tell the kernel what policies enforce: %m");
        r = begin(enforcer, &purpose, place, &enforcement->protected);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(enforcer);
        return 0;
}

/* More than there is room for must not be left out silently: they keep the host alive. */
int enforcer_protect(struct enforcer *enforcer, const struct capture_deny_list *executables) {
        uint32_t one = 1;

        for (size_t i = 0; i < executables->n; i++) {
                struct enforce_object object;
                int r;

                r = enforcer_identify(enforcer, executables->items[i], 0, &object);
                if (r > 0)
                        r = enforcer_put(enforcer->skeleton->maps.protected, &object, &one);
                if (r < 0)
                        return r;
        }
        return 0;
}

struct enforcer *enforcer_free(struct enforcer *enforcer) {
        if (!enforcer)
                return NULL;
        for (size_t i = 0; i < ENFORCER_MAX_HOOKS; i++)
                close_fd(enforcer->links[i]);
        ring_unmap(&enforcer->ring);
        enforcer_done_kept(enforcer);
        enforce__destroy(enforcer->skeleton);
        for (size_t i = 0; i < enforcer->n_rules; i++)
                free(enforcer->rules[i]);
        free(enforcer);
        return NULL;
}

/* ---- while it runs ---- */

void enforcer_set_enforcing(struct enforcer *enforcer, bool enforcing) {
        __atomic_store_n(&enforcer->skeleton->bss->enforcing, enforcing, __ATOMIC_SEQ_CST);
}

void enforcer_disarm(struct enforcer *enforcer, const char *name, bool disarmed) {
        for (size_t i = 0; i < enforcer->n_rules; i++)
                if (streq(enforcer->rules[i], name))
                        __atomic_store_n(&enforcer->skeleton->bss->disarmed[i], disarmed, __ATOMIC_SEQ_CST);
}

int enforcer_fd(const struct enforcer *enforcer) {
        return enforcer->skeleton ? bpf_map__fd(enforcer->skeleton->maps.verdicts) : enforcer->parts[ENFORCER_VERDICTS];
}

static bool is_verdict(const struct enforcer *enforcer, const struct enforce_verdict *verdict, size_t size) {
        return !enforcer->foreign && size >= offsetof(struct enforce_verdict, path) &&
               verdict->rule <= enforcer->n_rules && verdict->list <= ENFORCE_POLICIES &&
               verdict->outcome < ENFORCE_N_OUTCOMES &&
               verdict->n_path <= size - offsetof(struct enforce_verdict, path);
}

static const char *rule_name(const struct enforcer *enforcer, const struct enforce_verdict *verdict) {
        return verdict->rule > 0 ? enforcer->rules[verdict->rule - 1] : "";
}

size_t enforcer_read(struct enforcer *enforcer, uint64_t until_ns, size_t max, enforcer_each each, void *userdata) {
        const struct enforce_verdict *verdict;
        const void *data;
        size_t size, n = 0;

        if (!enforcer->ring.data)
                return 0;
        while (n < max && ring_peek(&enforcer->ring, &data, &size) == RING_RECORD) {
                verdict = data;
                if (!enforcer->foreign && verdict->time_ns > until_ns)
                        break;
                if (is_verdict(enforcer, verdict, size) && !each(verdict, rule_name(enforcer, verdict), userdata))
                        break;
                enforcer->n_foreign += enforcer->foreign;
                n++;
                ring_advance(&enforcer->ring);
        }
        if (n > 0)
                enforcer_note_seen(enforcer);
        return n;
}

bool enforcer_has_killed(const struct enforcer *enforcer, const struct identity *who, const char *name) {
        uint64_t position = enforcer->ring.position;
        const void *data;
        size_t size;

        if (!enforcer->ring.data)
                return false;
        while (ring_look(&enforcer->ring, &position, &data, &size) == RING_RECORD) {
                const struct enforce_verdict *verdict = data;

                if (is_verdict(enforcer, verdict, size) && verdict->killed && verdict->tgid == who->pid &&
                    verdict->start_ns == who->start_ns && streq(rule_name(enforcer, verdict), name))
                        return true;
        }
        return false;
}

void enforcer_stats(const struct enforcer *enforcer, struct capture_deny_stats *ret) {
        const struct enforce_counters *counters = enforcer_counters(enforcer), *base = &enforcer->base;

        ret->n_unarmed += enforcer->n_unarmed;
        ret->n_unnamed += enforcer->n_unnamed;
        ret->n_untold += enforcer->n_foreign;
        if (!counters || enforcer->foreign)
                return;
        ret->n_refused += counters->outcomes[ENFORCE_KERNEL] - base->outcomes[ENFORCE_KERNEL];
        ret->n_would += counters->outcomes[ENFORCE_WOULD] - base->outcomes[ENFORCE_WOULD];
        ret->n_protected += counters->outcomes[ENFORCE_NO] - base->outcomes[ENFORCE_NO];
        ret->n_killed += counters->killed - base->killed;
        ret->n_kill_failed += counters->kill_failed - base->kill_failed;
        ret->n_undecided += counters->undecided - base->undecided;
        ret->n_untold += counters->untold - base->untold;
}

unsigned enforcer_missing(const struct enforcer *enforcer) {
        return enforcer->missing;
}
