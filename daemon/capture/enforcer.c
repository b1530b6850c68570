/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/enforcer.h"

#include <arpa/inet.h>
#include <assert.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/macro.h"
#include "base/parse.h"

#include "capture/attach.h"
#include "capture/kernel.h"
#include "capture/ring.h"
#include "capture/tier.h"
#include "enforce.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"               /* generated code */
#include "enforce.skel.h"
#pragma GCC diagnostic pop

/* Which program refuses what of which list. */
static const struct enforcer_hook {
        enum enforce_list list;
        const char *place;
        bool for_kill;                  /* of use only if callers are to be killed */
} enforcer_hooks[] = {
        {ENFORCE_ADDRESSES, "cgroup/connect4"},
        {ENFORCE_ADDRESSES, "cgroup/connect6"},
        {ENFORCE_ADDRESSES, "cgroup/sendmsg4"},
        {ENFORCE_ADDRESSES, "cgroup/sendmsg6"},
        {ENFORCE_ADDRESSES, "tp/syscalls/sys_exit_connect", true},
        {ENFORCE_ADDRESSES, "tp/syscalls/sys_exit_sendto", true},
        {ENFORCE_ADDRESSES, "tp/syscalls/sys_exit_sendmsg", true},
        {ENFORCE_ADDRESSES, "tp/syscalls/sys_exit_sendmmsg", true},
        {ENFORCE_EXECUTABLES, "lsm/bprm_check_security"},
        {ENFORCE_FILES, "lsm/file_open"},
};

#define N_ENFORCER_HOOKS ELEMENTSOF(enforcer_hooks)

static const char *const list_names[] = {
        [ENFORCE_ADDRESSES] = "deny.addresses",
        [ENFORCE_EXECUTABLES] = "deny.executables",
        [ENFORCE_FILES] = "deny.files",
};

struct enforcer {
        struct enforce *skeleton;       /* owned */
        struct ring ring;
        int links[N_ENFORCER_HOOKS];    /* -1: not attached */
        char *rules[ENFORCE_RULES];     /* owned strings; by number less 1 */
        size_t n_rules;
        unsigned missing;
};

/* ---- what items mean ---- */

static const struct capture_deny_list *list_of(const struct capture_deny *deny, enum enforce_list list) {
        switch (list) {
        case ENFORCE_ADDRESSES: return &deny->addresses;
        case ENFORCE_EXECUTABLES: return &deny->executables;
        case ENFORCE_FILES: return &deny->files;
        case ENFORCE_N_LISTS: break;
        }
        return NULL;
}

struct network {
        int family;
        uint32_t bits;
        uint8_t address[16];
};

/* IPv4 in the clothes of IPv6 is IPv4. */
static int network_parse(const char *item, struct network *ret) {
        static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
        const char *slash = strchrnul(item, '/');
        struct network network = {.family = memchr(item, ':', (size_t)(slash - item)) ? AF_INET6 : AF_INET};
        uint64_t max = network.family == AF_INET6 ? 128 : 32, bits = max;
        char text[INET6_ADDRSTRLEN];

        if ((size_t)(slash - item) >= sizeof(text))
                return -EINVAL;
        memcpy(text, item, (size_t)(slash - item));
        text[slash - item] = 0;
        if (inet_pton(network.family, text, network.address) != 1 ||
            (*slash && (slash[1] < '0' || slash[1] > '9' || parse_u64(slash + 1, 0, max, &bits) < 0)))
                return -EINVAL;
        if (network.family == AF_INET6 && bits >= 96 && memcmp(network.address, mapped, sizeof(mapped)) == 0) {
                memmove(network.address, network.address + 12, 4);
                network.family = AF_INET;
                bits -= 96;
        }
        network.bits = (uint32_t)bits;
        *ret = network;
        return 0;
}

static int file_check(const char *item, const char **ret_why) {
        const char *slash = strchr(item, '/');

        if (!slash && strlen(item) >= ENFORCE_NAME)
                *ret_why = "is longer than 63 bytes";
        else if (slash && slash != item)
                *ret_why = "is neither an absolute path nor a name without slashes";
        else if (slash && strlen(item) >= ENFORCE_FRONT)
                *ret_why = "is longer than 247 bytes";
        else if (!*item || streq(item, "/"))
                *ret_why = "would be everything";
        else if (strstr(item, "//") || strstr(item, "/./") || strstr(item, "/../"))
                *ret_why = "is no path as the kernel knows it: leave out //, /./ and /../";
        else if (strpbrk(item, "*?["))
                *ret_why = "is a pattern, and names and directories (with a slash at the end) are all there is";
        else
                return 0;
        return -EINVAL;
}

int enforcer_check(const struct capture_deny *deny, char *why, size_t size) {
        for (int list = 0; list < ENFORCE_N_LISTS; list++) {
                const struct capture_deny_list *items = list_of(deny, (enum enforce_list)list);

                for (size_t i = 0; i < items->n; i++) {
                        const char *reason = "is no address and no network";
                        struct network network;
                        int r;

                        r = list == ENFORCE_ADDRESSES ? network_parse(items->items[i], &network)
                                                      : file_check(items->items[i], &reason);
                        if (r < 0) {
                                snprintf(why, size, "%s: '%s' %s", list_names[list], items->items[i], reason);
                                return r;
                        }
                }
        }
        return 0;
}

/* ---- into the maps ---- */

static int put(const struct bpf_map *map, const void *key, const void *value) {
        return bpf_map_update_elem(bpf_map__fd(map), key, value, BPF_ANY);
}

static int put_network(struct enforcer *enforcer, const char *item, uint32_t rule) {
        struct network network = {};
        struct enforce_address4 key4;
        struct enforce_address6 key6;
        int r;

        r = network_parse(item, &network);
        if (r < 0)
                return r;
        if (network.family == AF_INET) {
                key4.bits = network.bits;
                memcpy(key4.address, network.address, sizeof(key4.address));
                return put(enforcer->skeleton->maps.addresses4, &key4, &rule);
        }
        key6.bits = network.bits;
        memcpy(key6.address, network.address, sizeof(key6.address));
        return put(enforcer->skeleton->maps.addresses6, &key6, &rule);
}

/* What the kernel calls the file; 0: it is not there, or no file. */
static int identify(struct enforcer *enforcer, const char *path, uint32_t list, struct enforce_object *ret) {
        struct enforce_identify question = {};
        LIBBPF_OPTS(bpf_test_run_opts, options, .ctx_in = &question, .ctx_size_in = sizeof(question));  /* and out */
        _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        struct stat st;
        int r;

        if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
                return 0;
        question.fd = (uint32_t)fd;
        r = bpf_prog_test_run_opts(bpf_program__fd(enforcer->skeleton->progs.identify), &options);
        if (r < 0)
                return r;
        *ret = (struct enforce_object){.inode = question.inode, .device = question.device, .list = list};
        return question.inode != 0;
}

static int put_file(struct enforcer *enforcer, enum enforce_list list, const char *item, uint32_t rule) {
        size_t n = strlen(item);
        struct enforce_object object;
        struct enforce_front front = {.list = list};
        struct enforce_name name = {.list = list};
        int r;

        if (item[0] != '/') {
                memcpy(name.text, item, n);
                return put(enforcer->skeleton->maps.names, &name, &rule);
        }
        memcpy(front.text, item, n);
        front.bits = (uint32_t)(32 + 8 * (n + (item[n - 1] != '/')));
        r = put(enforcer->skeleton->maps.fronts, &front, &rule);
        if (r < 0 || item[n - 1] == '/')
                return r;
        r = identify(enforcer, item, list, &object);
        return r > 0 ? put(enforcer->skeleton->maps.objects, &object, &rule) : r;
}

static int put_rules(struct enforcer *enforcer, const struct capture_deny *deny) {
        uint32_t action = deny->kill ? ENFORCE_KILL : 0;

        for (int list = 0; list < ENFORCE_N_LISTS; list++) {
                const struct capture_deny_list *items = list_of(deny, (enum enforce_list)list);

                for (size_t i = 0; i < items->n; i++) {
                        int r;

                        if (enforcer->n_rules == ENFORCE_RULES)
                                return -E2BIG;
                        enforcer->rules[enforcer->n_rules] = strdup(items->items[i]);
                        if (!enforcer->rules[enforcer->n_rules])
                                return -ENOMEM;
                        enforcer->n_rules++;
                        if (list == ENFORCE_ADDRESSES)
                                r = put_network(enforcer, items->items[i], (uint32_t)enforcer->n_rules | action);
                        else
                                r = put_file(enforcer, (enum enforce_list)list, items->items[i],
                                             (uint32_t)enforcer->n_rules | action);
                        if (r < 0)
                                return r;
                }
        }
        return 0;
}

/* More than there is room for must not be left out silently: they keep the host alive. */
int enforcer_protect(struct enforcer *enforcer, const struct capture_deny_list *executables) {
        uint32_t one = 1;

        for (size_t i = 0; i < executables->n; i++) {
                struct enforce_object object;
                int r;

                r = identify(enforcer, executables->items[i], 0, &object);
                if (r > 0)
                        r = put(enforcer->skeleton->maps.protected, &object, &one);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* ---- load and attach ---- */

static struct bpf_program *program_of(struct enforce *skeleton, size_t i) {
        struct bpf_program *const programs[N_ENFORCER_HOOKS] = {
                skeleton->progs.refuse_connect4, skeleton->progs.refuse_connect6, skeleton->progs.refuse_sendmsg4,
                skeleton->progs.refuse_sendmsg6, skeleton->progs.end_call,        skeleton->progs.end_call,
                skeleton->progs.end_call,        skeleton->progs.end_call,        skeleton->progs.refuse_exec,
                skeleton->progs.refuse_open,
        };

        return programs[i];
}

/* Why a list cannot be in force on this kernel; NULL: it can. */
static const char *obstacle(enum enforce_list list, const struct enforcer_place *place) {
        const char *why = NULL;

        if (list == ENFORCE_ADDRESSES) {
                if (!kernel_get()->cgroup_address)
                        return "this kernel has no programs on connect()";
                return place->cgroup2 ? NULL : "cgroup v2 is not mounted";
        }
        if (place->tier != CAPTURE_TIER_LSM)
                return "BPF LSM is switched off (capture.backend)";
        if (tier_try(CAPTURE_TIER_LSM, &why) < 0)
                return why ?: "this kernel does not take BPF LSM programs";
        return NULL;
}

static int attach_all(struct enforcer *enforcer, const struct capture_deny *deny, const struct enforcer_place *place) {
        _cleanup_(closep) int cgroup_fd = -1, tracefs_fd = deny->kill ? tracefs_open() : -ENOENT;

        if (deny->addresses.n > 0 && !(enforcer->missing & 1U << ENFORCE_ADDRESSES)) {
                cgroup_fd = open(place->cgroup2, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                if (cgroup_fd < 0)
                        return log_error_errno(-errno, "Cannot open '%s': %m", place->cgroup2);
        }
        for (size_t i = 0; i < N_ENFORCER_HOOKS; i++) {
                const struct enforcer_hook *hook = &enforcer_hooks[i];

                if (!bpf_program__autoload(program_of(enforcer->skeleton, i)))
                        continue;
                enforcer->links[i] = attach_program(bpf_program__fd(program_of(enforcer->skeleton, i)), hook->place, 0,
                                                    tracefs_fd, cgroup_fd);
                if (enforcer->links[i] < 0)
                        return log_error_errno(enforcer->links[i], "Cannot refuse anything at %s (%s): %m", hook->place,
                                               list_names[hook->list]);
        }
        return 0;
}

/* Leave out what is not asked for, and what cannot be. */
static int choose(struct enforcer *enforcer, const struct capture_deny *deny, const struct enforcer_place *place) {
        for (int list = 0; list < ENFORCE_N_LISTS; list++) {
                const char *why = obstacle((enum enforce_list)list, place);

                if (list_of(deny, (enum enforce_list)list)->n == 0 || !why)
                        continue;
                log_message(deny->closed ? LOG_ERR : LOG_WARNING, 0, "%s is not in force here: %s%s", list_names[list],
                            why, deny->closed ? ", and deny.fail is closed" : "");
                if (deny->closed)
                        return -EOPNOTSUPP;
                enforcer->missing |= 1U << list;
        }
        for (size_t i = 0; i < N_ENFORCER_HOOKS; i++) {
                enum enforce_list list = enforcer_hooks[i].list;

                if (list_of(deny, list)->n == 0 || enforcer->missing & 1U << list ||
                    (enforcer_hooks[i].for_kill && !deny->kill))
                        bpf_program__set_autoload(program_of(enforcer->skeleton, i), false);
        }
        return 0;
}

int enforcer_new(const struct capture_deny *deny, const struct enforcer_place *place, struct enforcer **ret) {
        _cleanup_(enforcer_freep) struct enforcer *enforcer = NULL;
        char why[512];
        int r;

        assert(deny && place && ret);

        r = enforcer_check(deny, why, sizeof(why));
        if (r < 0) {
                log_error("%s", why);
                return r;
        }
        *ret = NULL;
        if (deny->addresses.n + deny->executables.n + deny->files.n == 0)
                return 0;

        enforcer = calloc(1, sizeof(*enforcer));
        if (!enforcer)
                return log_oom();
        for (size_t i = 0; i < N_ENFORCER_HOOKS; i++)
                enforcer->links[i] = -1;
        enforcer->skeleton = enforce__open();
        if (!enforcer->skeleton)
                return log_error_errno(-errno, "Cannot open the programs that refuse calls: %m");
        r = choose(enforcer, deny, place);
        if (r < 0)
                return r;
        enforcer->skeleton->rodata->closed = deny->closed;
        r = enforce__load(enforcer->skeleton);
        if (r < 0) {
                log_error_errno(r, "Cannot load the programs that refuse calls: %m");
                return r == -EPERM || r == -ENOMEM ? r : -EOPNOTSUPP;
        }
        r = put_rules(enforcer, deny);
        if (r >= 0)
                r = enforcer_protect(enforcer, &deny->protected);
        if (r < 0)
                return log_error_errno(r, "Cannot tell the kernel what to refuse: %m");
        r = ring_map(&enforcer->ring, bpf_map__fd(enforcer->skeleton->maps.verdicts), ENFORCE_RING);
        if (r < 0)
                return log_error_errno(r, "Cannot map the ring of what is refused: %m");
        r = attach_all(enforcer, deny, place);
        if (r < 0)
                return -ENOLINK;
        *ret = TAKE_PTR(enforcer);
        return 0;
}

struct enforcer *enforcer_free(struct enforcer *enforcer) {
        if (!enforcer)
                return NULL;
        for (size_t i = 0; i < N_ENFORCER_HOOKS; i++)
                close_fd(enforcer->links[i]);
        ring_unmap(&enforcer->ring);
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

int enforcer_fd(const struct enforcer *enforcer) {
        return bpf_map__fd(enforcer->skeleton->maps.verdicts);
}

size_t enforcer_read(struct enforcer *enforcer, uint64_t until_ns, size_t max, enforcer_each each, void *userdata) {
        const struct enforce_verdict *verdict;
        const void *data;
        size_t size, n = 0;

        while (n < max && ring_peek(&enforcer->ring, &data, &size) == RING_RECORD) {
                verdict = data;
                if (verdict->time_ns > until_ns)
                        break;
                if (size >= offsetof(struct enforce_verdict, path) && verdict->rule <= enforcer->n_rules &&
                    verdict->list < ENFORCE_N_LISTS && verdict->outcome < ENFORCE_N_OUTCOMES &&
                    verdict->n_path <= size - offsetof(struct enforce_verdict, path)) {
                        each(verdict, verdict->rule > 0 ? enforcer->rules[verdict->rule - 1] : "", userdata);
                }
                n++;
                ring_advance(&enforcer->ring);
        }
        return n;
}

void enforcer_stats(const struct enforcer *enforcer, struct capture_deny_stats *ret) {
        const struct enforce_counters *counters = &enforcer->skeleton->bss->counters;

        ret->n_refused += counters->outcomes[ENFORCE_KERNEL];
        ret->n_would += counters->outcomes[ENFORCE_WOULD];
        ret->n_protected += counters->outcomes[ENFORCE_NO];
        ret->n_killed += counters->killed;
        ret->n_kill_failed += counters->kill_failed;
        ret->n_undecided += counters->undecided;
        ret->n_untold += counters->untold;
}

unsigned enforcer_missing(const struct enforcer *enforcer) {
        return enforcer->missing;
}
