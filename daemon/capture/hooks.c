/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/hooks.h"

#include <assert.h>
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/macro.h"

#include "capture/attach.h"
#include "capture/capture-private.h"
#include "capture/compat-calls.h"
#include "capture/hooks-private.h"
#include "capture/kernel.h"
#include "capture/prefilter-maps.h"
#include "capture/tier.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"               /* generated code */
#include "sensor.skel.h"
#pragma GCC diagnostic pop

const struct hook hooks_table[] = {
#define WIRE_KIND_NONE WIRE_NONE
#define WIRE_CALL_COMPAT ((enum wire_call)0xffff)       /* as in bpf/call.bpf.h */
#define HOOK(program, kind, use, place, call) {#program, WIRE_KIND_##kind, HOOK_##use, place, WIRE_CALL_##call},
#include "capture/hook-table.def"
};

#define MIN_SCRATCHES 16                /* calls in progress whose names are kept: 64 KiB each */
#define MAX_LOADS 5                     /* each takes a third of a second */

static int on_libbpf_print(enum libbpf_print_level level, const char *format, va_list ap) {
        if (level == LIBBPF_DEBUG || log_get_max_level() < LOG_DEBUG)
                return 0;
        return log_vmessage(LOG_DEBUG, 0, format, ap);
}

/* ---- load ---- */

/* Terminals are known by their device numbers: /proc/tty/drivers has `driver /dev/name major minors type`. */
static void read_tty_majors(uint64_t majors[static 8]) {
        _cleanup_(fclosep) FILE *file = fopen("/proc/tty/drivers", "re");
        char *line = NULL;
        size_t size = 0;

        while (file && getline(&line, &size, file) >= 0) {
                unsigned major;

                if (sscanf(line, "%*s %*s %u", &major) == 1 && major < 512)
                        majors[major / 64] |= UINT64_C(1) << (major % 64);
        }
        free(line);
}

/* Which program looks at which call, for the dispatchers (bpf/call.bpf.h). */
static int hooks_fill_tables(struct hooks *hooks) {
        int ends_fd = hooks->maps[KEPT_CALL_ENDS], begins_fd = hooks->maps[KEPT_CALL_BEGINS];
        int too_fd = hooks->maps[KEPT_CALL_ENDS_TOO];
        int calls_fd = bpf_map__fd(hooks->sensor->maps.compat_calls), r;
        uint8_t n_ends[_WIRE_CALL_MAX] = {};

        for (size_t i = 0; i < N_HOOKS; i++) {
                const struct hook *hook = &hooks_table[i];
                uint32_t call = hook->call, prog_fd = hooks->prog_fds[i];
                bool begins = startswith(hook->place, "tp/syscalls/sys_enter_");

                if (!begins && !startswith(hook->place, "tp/syscalls/sys_exit_"))
                        continue;
                r = bpf_map_update_elem(begins ? begins_fd : n_ends[call] ? too_fd : ends_fd, &call, &prog_fd, BPF_ANY);
                if (r < 0)
                        return r;
                n_ends[call] += !begins;
                assert(n_ends[call] <= 2);
        }
        for (uint32_t i = 0; i < COMPAT_MAX_NUMBER; i++) {
                uint32_t call = compat_call(i);

                r = call == WIRE_CALL_NONE ? 0 : bpf_map_update_elem(calls_fd, &i, &call, BPF_ANY);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* It was read whole from our executable, too: that may leave memory, and comes back from the file. */
static void hooks_drop_sensor(struct hooks *hooks) {
        size_t size, page = (size_t)sysconf(_SC_PAGESIZE);
        uintptr_t begin = (uintptr_t)sensor__elf_bytes(&size), end = (begin + size) & ~(page - 1);

        begin = ALIGN_UP(begin, page);
        (void)madvise((void *)begin, end - begin, MADV_DONTNEED);
        sensor__destroy(TAKE_PTR(hooks->sensor));
        memset(hooks->programs, 0, sizeof(hooks->programs));
}

int hooks_make_prefilter_maps(struct hooks *hooks) {
        return prefilter_maps_new(
                &(const struct prefilter_shared){
                        .filters = hooks->maps[KEPT_FILTERS],
                        .classes = hooks->maps[KEPT_FILTER_CLASSES],
                        .groups = hooks->maps[KEPT_FILTER_GROUPS],
                        .fronts = hooks->maps[KEPT_FILTER_FRONTS],
                        .backs = hooks->maps[KEPT_FILTER_BACKS],
                        .networks = hooks->maps[KEPT_FILTER_NETWORKS],
                        .numbers = hooks->maps[KEPT_FILTER_NUMBERS],
                        .armed = hooks->maps[KEPT_ARMED],
                        .table = &hooks->knobs->filter_table,
                        .waiting = (uint64_t *)&hooks->knobs->filter_waiting,
                        .by_user = (uint64_t *)&hooks->knobs->filter_by_user,
                        .urgent = (uint64_t *)hooks->knobs->urgent_uses,
                        .soon = (uint64_t *)hooks->knobs->soon_uses,
                },
                &hooks->prefilter_maps);
}

static int hooks_load(struct hooks *hooks, const struct hooks_options *options, char *logs) {
        bool security = hooks_choose_security(hooks, options->tier);
        const struct kernel *kernel = kernel_get();
        struct sensor *sensor;
        uint64_t majors[8] = {}, key[2];
        size_t n_scratches = 0;
        int r;

        sensor = hooks->sensor = sensor__open();
        if (!sensor)
                return -errno;
        for (size_t i = 0; i < N_HOOKS; i++) {
                hooks->programs[i] = bpf_object__find_program_by_name(sensor->obj, hooks_table[i].program);
                assert(hooks->programs[i]);
        }

        /* One entry more, which programs share that run in interrupts or can be preempted. */
        hooks->n_cpus = libbpf_num_possible_cpus() + 1;
        if (security)
                for (n_scratches = MIN_SCRATCHES; n_scratches < hooks->n_cpus; n_scratches *= 2)
                        ;
        r = bpf_map__set_max_entries(sensor->maps.cpus, hooks->n_cpus + n_scratches);
        if (r >= 0)
                r = bpf_map__set_max_entries(sensor->maps.ring, options->ring_bytes);
        if (r >= 0 && !security)
                r = bpf_map__set_max_entries(sensor->maps.addresses, 1);
        if (r < 0)
                return r;

        sensor->rodata->can_cast = kernel->cast;
        sensor->rodata->can_resolve = security;
        sensor->rodata->any_cpu = hooks->n_cpus - 1;
        sensor->rodata->first_scratch = hooks->n_cpus;
        sensor->rodata->n_scratches = n_scratches;
        sensor->rodata->setattr_dentry = hooks->setattr_dentry;
        sensor->rodata->uring_fixed_file = kernel->uring_fixed_file;
        sensor->rodata->uring_creds = kernel->uring_creds;
        sensor->rodata->uring_cqe_skip = kernel->uring_cqe_skip;
        sensor->rodata->uring_multishot = kernel->uring_multishot;
        sensor->rodata->named_hierarchy = options->named_hierarchy;
        sensor->bss->ring_share_bytes = hooks_share_bytes(options->ring_bytes);
        sensor->bss->ring_wake_bytes = hooks_wake_bytes(options->ring_bytes);
        read_tty_majors(majors);
        for (size_t i = 0; i < 8; i++)
                sensor->rodata->tty_majors[i] = majors[i];
        r = getentropy(key, sizeof(key));
        if (r < 0)
                return -errno;
        for (size_t i = 0; i < ELEMENTSOF(key); i++)
                sensor->rodata->digest_key[i] = key[i];

        if (!kernel->cgroup_address)
                for (size_t i = 0; i < N_HOOKS; i++)
                        if (startswith(hooks_table[i].place, "cgroup"))
                                bpf_program__set_autoload(hooks->programs[i], false);

        r = hooks_aim_security(hooks, logs);
        if (r < 0)
                return r;
        if (!kernel->modules)
                bpf_program__set_autoload(sensor->progs.on_module_load, false);

        r = sensor__load(sensor);
        if (r < 0)
                return r;

        r = hooks_keep(hooks);
        if (r >= 0)
                r = hooks_fill_tables(hooks);
        if (r < 0)
                return r;

        r = hooks_keep_map(hooks);
        if (r < 0)
                return r;
        hooks_drop_sensor(hooks);
        return hooks_make_prefilter_maps(hooks);
}

/* Nothing is wrong with the kernel then. */
static bool is_crowded(int r) {
        return r == -EMFILE || r == -ENFILE;
}

static struct hooks *hooks_make(const struct hooks_options *options) {
        struct hooks *hooks = calloc(1, sizeof(*hooks));

        if (!hooks)
                return NULL;
        for (size_t i = 0; i < N_HOOKS; i++)
                hooks->links[i] = -1;
        hooks_keep_init(hooks);
        hooks->tracefs_fd = tracefs_open();
        hooks->cgroup_fd = options->cgroup2 ? open(options->cgroup2, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
        if (hooks->cgroup_fd < 0)
                hooks->cgroup_fd = options->cgroup2 ? -errno : -ENOENT;
        hooks->ring_bytes = options->ring_bytes;
        hooks_fingerprint(options, hooks->fingerprint);
        return hooks;
}

int hooks_new(const struct hooks_options *options, struct hooks **ret) {
        _cleanup_(hooks_freep) struct hooks *hooks = NULL;
        _cleanup_(freep) char *logs = NULL;
        const char *why;
        int r;

        r = kernel_check(kernel_get(), &why);
        if (r < 0) {
                log_error("Cannot watch this kernel (%s): %s", kernel_get()->release, why);
                return r;
        }

        hooks = hooks_make(options);
        if (!hooks)
                return log_oom();
        libbpf_set_print(on_libbpf_print);
        if (options->kept && hooks_is_ours(hooks, options->kept)) {
                r = hooks_adopt(hooks, options->kept);
                if (r >= 0) {
                        *ret = TAKE_PTR(hooks);
                        return 0;
                }
                log_warning_errno(r, "Cannot take over the programs of the process before, loading them anew: %m");
                hooks_free(hooks);
                hooks = hooks_make(options);
                if (!hooks)
                        return log_oom();
        }
        r = hooks_load(hooks, options, NULL);
        for (size_t n = 1;
             r < 0 && r != -ENOMEM && !is_crowded(r) && hooks_shed_security(hooks, logs, r, n >= MAX_LOADS); n++) {
                if (!logs)
                        logs = calloc(N_HOOKS, HOOKS_LOG_BYTES);
                if (!logs)
                        return log_oom();
                memset(logs, 0, N_HOOKS * HOOKS_LOG_BYTES);
                hooks_keep_done(hooks);
                hooks_drop_sensor(hooks);
                r = hooks_load(hooks, options, logs);
        }
        if (r == -ENOMEM)
                return log_oom();
        /* The library tries features, too, and takes what it cannot open for missing. */
        if (is_crowded(r) || (r < 0 && !fd_may_open(2 * N_HOOKS)))
                return log_error_errno(-EMFILE, "Cannot load the BPF programs: %m; " CAPTURE_CROWDED);
        if (r < 0) {
                log_error_errno(r,
                                "Cannot load the BPF programs, this kernel (%s) refuses them (run with debug messages "
                                "for its reasons): %m",
                                kernel_get()->release);
                return r == -EPERM ? r : -EOPNOTSUPP;
        }
        *ret = TAKE_PTR(hooks);
        return 0;
}

/* ---- attach and detach ---- */

static bool wants_credchange(const struct interest *interest) {
        return interest->kinds & wire_kind_bit(WIRE_KIND_credchange);
}

/* Those whose programs have to run, whether or not what they tell is wanted. */
static uint64_t kinds_needed(const struct interest *interest) {
        uint64_t kinds = interest->kinds;

        if (interest->namespaces)
                kinds |= INTEREST_NAMESPACE_KINDS;
        if (wants_credchange(interest))
                kinds |= HOOKS_EXPLAINING_KINDS;
        if (kinds & wire_kind_bit(WIRE_KIND_ptrace))
                kinds |= wire_kind_bit(WIRE_KIND_openat);       /* /proc/PID/mem */
        return kinds;
}

/* Without it the kind of the call is whole, for nobody asked, and `credchange` is told too often. */
static bool is_explanation_only(const struct hook *hook, const struct interest *interest) {
        uint64_t kind = wire_kind_bit(hook->kind);

        return hook->use == HOOK_KIND && wants_credchange(interest) && kind & HOOKS_EXPLAINING_KINDS &&
                !(kind & interest->kinds) && !(interest->namespaces && kind & INTEREST_NAMESPACE_KINDS);
}

static bool any_call_is_needed(const struct interest *interest);

static bool hook_is_needed(const struct hooks *hooks, const struct hook *hook, const struct interest *interest) {
        switch (hook->use) {
        case HOOK_CORE: return true;
        case HOOK_COMPAT: return hooks->compat && any_call_is_needed(interest);
        case HOOK_URING: return any_call_is_needed(interest);
        case HOOK_KIND:
        case HOOK_FALLBACK:
        case HOOK_SECURITY: return kinds_needed(interest) & wire_kind_bit(hook->kind);
        case HOOK_FAILURES: return interest->filter[hook->kind].failures;
        case HOOK_NEVER: return false;
        }
        return false;
}

static bool any_call_is_needed(const struct interest *interest) {
        for (size_t i = 0; i < N_HOOKS; i++) {
                const struct hook *hook = &hooks_table[i];

                if (hook->call != WIRE_CALL_NONE && (hook->use == HOOK_KIND || hook->use == HOOK_FAILURES) &&
                    hook_is_needed(NULL, hook, interest))
                        return true;
        }
        return false;
}

/* A program is on its hook until the last descriptor is closed, and those of the last reload are closed elsewhere. The
 * kernel has no program twice on a tracepoint (EEXIST), a security hook or a function (EBUSY). */
static bool is_attached_still(int error) {
        return error == -EEXIST || error == -EBUSY;
}

static bool hooks_await_detached(struct hooks *hooks, void (*meanwhile)(void *userdata), void *userdata) {
        bool waited = false;

        for (size_t i = 0; i < MAX_DETACHERS; i++)
                while (hooks->detachers[i] > 0) {
                        waited = true;
                        if (waitpid(hooks->detachers[i], NULL, WNOHANG | __WALL) != 0)
                                hooks->detachers[i] = 0;
                        else
                                usleep(1000);
                        if (meanwhile)
                                meanwhile(userdata);
                }
        return waited;
}

/* When a place cannot be attached to that is not needed. */
static const char *what_is_missing(const struct hook *hook) {
        if (hook->use == HOOK_SECURITY)
                return "names and objects are those that programs gave";
        if (hook->kind == WIRE_KIND_dns)
                return "names that are asked for are not seen";
        if (hook->kind == WIRE_KIND_init_module)
                return "names of modules are not seen";
        if (wire_kind_bit(hook->kind) & HOOKS_EXPLAINING_KINDS)
                return "credentials that such a call changes are told as credchange, as if no call had";
        return "addresses come from the sockets and, for calls that fail, from the calling program";
}

/* 0 also if the kernel has no such hook and can do without. */
static int hooks_attach(struct hooks *hooks, size_t i, const struct interest *interest,
                        void (*meanwhile)(void *userdata), void *userdata) {
        const struct hook *hook = &hooks_table[i];
        int prog_fd = hooks->prog_fds[i], fd;

        if (hooks->answers[i].r < 0)
                return 0;
        do
                fd = prog_fd < 0 ? -ENOENT
                                 : attach_program(prog_fd, hook->place, hook->call, hooks->tracefs_fd,
                                                  hooks->cgroup_fd);
        while (is_attached_still(fd) && hooks_await_detached(hooks, meanwhile, userdata));
        if (fd >= 0) {
                hooks->links[i] = fd;
                hooks->n_changes++;
                return 0;
        }
        if (hook->use == HOOK_FALLBACK || hook->use == HOOK_SECURITY || is_explanation_only(hook, interest)) {
                /* Said once, whatever is attached and detached later. */
                hooks_refuse(hooks, i, prog_fd < 0 ? -EOPNOTSUPP : fd, NULL);
                if (prog_fd >= 0)
                        log_notice_errno(fd, "Cannot attach to %s: %s: %m", hook->place, what_is_missing(hook));
                return 0;
        }
        /* Not every kernel has every call: arm64 has no open(), 6.1 has no fchmodat2(). */
        if (fd == -ENOENT && hook->use != HOOK_CORE && hooks->tracefs_fd >= 0)
                return 0;
        if (is_crowded(fd))
                return log_error_errno(fd, "Cannot attach to %s: %m; " CAPTURE_CROWDED, hook->place);
        log_error_errno(fd, "Cannot attach to %s%s: %m", hook->place,
                        hooks->tracefs_fd < 0
                                ? " (tracefs is not mounted on /sys/kernel/tracing, and we may not mount it)"
                                : "");
        return -ENOLINK;
}

int hooks_attach_core(struct hooks *hooks) {
        for (size_t i = 0; i < N_HOOKS; i++)
                if (hooks_table[i].use == HOOK_CORE && hooks->links[i] < 0) {
                        int r = hooks_attach(hooks, i, &hooks->interest, NULL, NULL);

                        if (r < 0)
                                return r;
                }
        return 0;
}

/* Shared memory: each store is seen by the programs at once. */
#define STORE(place, value) __atomic_store_n(&(place), (value), __ATOMIC_RELEASE)

static void env_key(char key[static WIRE_MAX_ENV_NAME], const char *name) {
        memset(key, 0, WIRE_MAX_ENV_NAME);
        strncpy(key, name, WIRE_MAX_ENV_NAME - 1);
}

static bool interest_has_env(const struct interest *interest, const char *name) {
        for (uint32_t i = 0; i < interest->n_env; i++)
                if (streq(interest->env[i], name))
                        return true;
        return false;
}

static int hooks_set_env(struct hooks *hooks, const struct interest *interest) {
        int fd = hooks->maps[KEPT_ENV_NAMES];
        char key[WIRE_MAX_ENV_NAME];
        uint32_t one = 1;

        for (uint32_t i = 0; i < interest->n_env; i++) {
                int r;

                env_key(key, interest->env[i]);
                r = bpf_map_update_elem(fd, key, &one, BPF_ANY);
                if (r < 0)
                        return r;
        }
        for (uint32_t i = 0; i < hooks->interest.n_env; i++)
                if (!interest_has_env(interest, hooks->interest.env[i])) {
                        env_key(key, hooks->interest.env[i]);
                        (void)bpf_map_delete_elem(fd, key);
                }
        if (hooks->adopted)
                hooks_adopt_env(hooks, interest);
        STORE(hooks->knobs->env_wanted, interest->n_env > 0);
        return 0;
}

/* First as wide as both, then as narrow as the new one: nothing that both want is filtered in between. */
static void hooks_set_filters(struct hooks *hooks, const struct interest *interest) {
        struct sensor__bss *knobs = hooks->knobs;
        uint8_t wants[_WIRE_KIND_MAX] = {};

        for (int kind = 1; kind < _WIRE_KIND_MAX; kind++) {
                const struct interest_filter *filter = &interest->filter[kind];
                uint64_t any = knobs->flags_any[kind];

                if (interest->kinds & wire_kind_bit(kind))
                        wants[kind] = (filter->successes ? WANT_SUCCESS : 0) | (filter->failures ? WANT_FAILURE : 0) |
                                (filter->content && interest->content_bytes > 0 ? WANT_CONTENT : 0);
                if (interest->namespaces && INTEREST_NAMESPACE_KINDS & wire_kind_bit(kind))
                        wants[kind] |= WANT_SUCCESS;
                STORE(knobs->flags_any[kind], any && filter->flags_any ? any | filter->flags_any : 0);
                STORE(knobs->wants[kind], knobs->wants[kind] | wants[kind]);
        }
        STORE(knobs->content_bytes, MAX(knobs->content_bytes, interest->content_bytes));

        for (int kind = 1; kind < _WIRE_KIND_MAX; kind++) {
                STORE(knobs->wants[kind], wants[kind]);
                STORE(knobs->flags_any[kind], interest->filter[kind].flags_any);
        }
        STORE(knobs->content_bytes, MIN(interest->content_bytes, (uint32_t)WIRE_MAX_CONTENT));
}

int hooks_set_interest(struct hooks *hooks, const struct interest *interest, void (*meanwhile)(void *userdata),
                       void *userdata) {
        size_t added[N_HOOKS], n_added = 0;
        int r = 0;

        for (size_t i = 0; i < N_HOOKS && r >= 0; i++) {
                if (hooks->links[i] >= 0 || !hook_is_needed(hooks, &hooks_table[i], interest))
                        continue;
                r = hooks_attach(hooks, i, interest, meanwhile, userdata);
                if (hooks->links[i] >= 0)
                        added[n_added++] = i;
                if (meanwhile)
                        meanwhile(userdata);
        }
        if (r >= 0) {
                r = hooks_set_env(hooks, interest);
                if (r < 0)
                        log_error_errno(r, "Cannot tell the kernel which environment variables to look for: %m");
        }
        if (r < 0) {
                /* What is new is not used by the filters yet, and goes. */
                int fds[N_HOOKS];

                for (size_t i = 0; i < n_added; i++) {
                        fds[i] = hooks->links[added[i]];
                        hooks->links[added[i]] = -1;
                }
                for (size_t i = 0; i < n_added; i++)
                        close_fd(fds[i]);
                return r;
        }

        /* What was seen of credentials before all of these hooks were there is not compared. */
        if (wants_credchange(interest) && !wants_credchange(&hooks->interest) && !hooks->had_credchange) {
                if (!hooks->compat && !hooks->told_compat)
                        log_notice("Calls through the kernel's 32-bit table are not watched (capture.compat): "
                                   "credentials that one of them changes are told as credchange");
                hooks->told_compat = true;
                STORE(hooks->knobs->credentials_epoch, hooks->knobs->credentials_epoch + 1);
        }
        hooks->had_credchange = false;  /* the interest says it from now on */
        hooks_set_filters(hooks, interest);
        hooks->interest = *interest;
        return 0;
}

int hooks_fill_prefilter(struct hooks *hooks, const struct prefilter *prefilter, void (*meanwhile)(void *userdata),
                         void *userdata) {
        return prefilter_maps_fill(hooks->prefilter_maps, prefilter, meanwhile, userdata);
}

void hooks_use_prefilter(struct hooks *hooks, const struct prefilter *prefilter, bool began) {
        hooks_count_bursts(hooks, NULL);        /* what was counted belongs to those who wanted it counted */
        prefilter_maps_use(hooks->prefilter_maps, prefilter, began || hooks_n_attached(hooks) > 0);
        hooks_count_bursts(hooks, prefilter);
}

void hooks_see_group(struct hooks *hooks, uint64_t id, const char *path, size_t length, bool cut) {
        prefilter_maps_see_group(hooks->prefilter_maps, id, path, length, cut);
}

void hooks_forget_group(struct hooks *hooks, uint64_t id) {
        prefilter_maps_forget_group(hooks->prefilter_maps, id);
}

int hooks_watch_compat(struct hooks *hooks) {
        struct interest interest = hooks->interest;
        int r;

        if (hooks->compat)
                return 0;
        hooks->compat = true;
        r = hooks_set_interest(hooks, &interest, NULL, NULL);
        if (r < 0)
                hooks->compat = false;
        return r < 0 ? r : 1;
}

void hooks_reap(struct hooks *hooks) {
        for (size_t i = 0; i < MAX_DETACHERS; i++)
                if (hooks->detachers[i] > 0 && waitpid(hooks->detachers[i], NULL, WNOHANG | __WALL) != 0)
                        hooks->detachers[i] = 0;
}

void hooks_detach_list(struct hooks *hooks, const int *fds, size_t n) {
        pid_t pid;

        pid = detach_elsewhere(fds, n);
        if (pid == 0)
                return;
        if (hooks->wait) {
                (void)waitpid(pid, NULL, __WALL);
                return;
        }
        hooks_reap(hooks);
        for (size_t i = 0; i < MAX_DETACHERS; i++)
                if (hooks->detachers[i] == 0) {
                        hooks->detachers[i] = pid;
                        return;
                }
        /* More reloads in a second than anybody needs: wait for this one. */
        (void)waitpid(pid, NULL, __WALL);
}

void hooks_detach_unneeded(struct hooks *hooks) {
        int fds[N_HOOKS];
        size_t n = 0;

        for (size_t i = 0; i < N_HOOKS; i++)
                if (hooks->links[i] >= 0 && !hook_is_needed(hooks, &hooks_table[i], &hooks->interest))
                        fds[n++] = TAKE_FD(hooks->links[i]);
        /* Whoever else has them gives them up first. */
        hooks->n_changes += n;
        if (n > 0 && hooks->on_detach)
                hooks->on_detach(hooks->on_detach_userdata);
        hooks_detach_list(hooks, fds, n);
}

struct hooks *hooks_free(struct hooks *hooks) {
        int fds[N_HOOKS];
        size_t n = 0;

        if (!hooks)
                return NULL;
        for (size_t i = 0; i < N_HOOKS; i++)
                if (hooks->links[i] >= 0)
                        fds[n++] = TAKE_FD(hooks->links[i]);
        if (hooks->leaves)
                for (size_t i = 0; i < n; i++)
                        close(fds[i]);
        else
                hooks_detach_list(hooks, fds, n);
        if (hooks->cpus)
                munmap(hooks->cpus, hooks->cpu_size * hooks->n_cpus);
        prefilter_maps_free(hooks->prefilter_maps);
        hooks_keep_done(hooks);
        hooks_drop_sensor(hooks);
        close_fd(hooks->tracefs_fd);
        close_fd(hooks->cgroup_fd);
        free(hooks);
        return NULL;
}

void hooks_set_wait(struct hooks *hooks, bool wait) {
        hooks->wait = wait;
}

/* ---- the rest ---- */

uint32_t *hooks_snapshot_is_first(struct hooks *hooks) {
        return &hooks->knobs->snapshot_is_first;
}

struct wire_overload *hooks_overload(const struct hooks *hooks) {
        return hooks->knobs->overloads;
}

uint64_t hooks_n_budgets_lost(const struct hooks *hooks) {
        return hooks->knobs->budgets_lost;
}

size_t hooks_n_cpus(const struct hooks *hooks) {
        return hooks->n_cpus;
}

const struct wire_counters *hooks_counters(const struct hooks *hooks, size_t cpu) {
        return (const struct wire_counters *)(hooks->cpus + cpu * hooks->cpu_size);
}

int hooks_program(const struct hooks *hooks, const char *program) {
        size_t i = 0;

        while (!streq(hooks_table[i].program, program))
                i++;
        return hooks->prog_fds[i];
}

static int hooks_open_iterator(const struct hooks *hooks, const char *program) {
        _cleanup_(closep) int link_fd = -1;

        link_fd = bpf_link_create(hooks_program(hooks, program), 0, BPF_TRACE_ITER, NULL);
        return link_fd < 0 ? link_fd : bpf_iter_create(link_fd);
}

int hooks_open_snapshot(struct hooks *hooks) {
        return hooks_open_iterator(hooks, "take_snapshot");
}

static struct wire_identity wire_identity(const struct identity *id) {
        return (struct wire_identity){.start_ns = id->start_ns, .tgid = id->pid};
}

int hooks_add_supervisor(struct hooks *hooks, const struct identity *id) {
        struct wire_identity key = wire_identity(id);
        uint32_t one = 1;

        return bpf_map_update_elem(hooks->maps[KEPT_SUPERVISORS], &key, &one, BPF_ANY);
}

int hooks_add_seed(struct hooks *hooks, const struct identity *id, const struct identity *creator,
                   const struct identity *tree) {
        struct wire_identity key = wire_identity(id), value[2] = {wire_identity(creator), wire_identity(tree)};

        return bpf_map_update_elem(hooks->maps[KEPT_SEEDS], &key, value, BPF_ANY);
}

int hooks_plant_seeds(struct hooks *hooks) {
        int map_fd = hooks->maps[KEPT_SEEDS];
        _cleanup_(closep) int fd = -1;
        struct wire_identity key;
        char unused[64];

        fd = hooks_open_iterator(hooks, "plant_seeds");
        if (fd < 0)
                return fd;
        while (read(fd, unused, sizeof(unused)) > 0)
                ;
        while (bpf_map_get_next_key(map_fd, NULL, &key) >= 0)
                (void)bpf_map_delete_elem(map_fd, &key);
        return 0;
}

bool hooks_has_security(const struct hooks *hooks, enum wire_kind kind) {
        for (size_t i = 0; i < N_HOOKS; i++)
                if (hooks_table[i].kind == kind && hooks_table[i].use == HOOK_SECURITY && hooks->links[i] >= 0)
                        return true;
        return false;
}

size_t hooks_n_attached(const struct hooks *hooks) {
        size_t n = 0;

        for (size_t i = 0; i < N_HOOKS; i++)
                n += hooks->links[i] >= 0;
        return n;
}
