/* SPDX-License-Identifier: Apache-2.0 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/macro.h"

#include "capture/hooks-private.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"               /* generated code */
#include "sensor.skel.h"
#pragma GCC diagnostic pop

/* The descriptor becomes ours, and the object's goes: files are limited, one is enough. */
static int keep_program(struct bpf_program *program) {
        int fd = bpf_program__fd(program);

        if (fd < 0)
                return -1;
        fd = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        if (fd < 0)
                return -errno;
        bpf_program__unload(program);
        return fd;
}

static int keep_programs(struct hooks *hooks) {
        for (size_t i = 0; i < N_HOOKS; i++) {
                int fd = -1;

                for (size_t k = 0; k < i && fd < 0; k++)
                        if (hooks->programs[k] == hooks->programs[i])
                                fd = hooks->prog_fds[k];
                if (fd < 0)
                        fd = keep_program(hooks->programs[i]);
                if (fd < -1)
                        return fd;
                hooks->prog_fds[i] = fd;
        }
        return 0;
}

int hooks_keep(struct hooks *hooks) {
        struct sensor *sensor = hooks->sensor;
        const struct bpf_map *const maps[_KEPT_MAX] = {
                [KEPT_RING] = sensor->maps.ring,
                [KEPT_RINGS] = sensor->maps.rings,
                [KEPT_ENV_NAMES] = sensor->maps.env_names,
                [KEPT_SUPERVISORS] = sensor->maps.supervisors,
                [KEPT_SEEDS] = sensor->maps.seeds,
                [KEPT_CALL_ENDS] = sensor->maps.call_ends,
                [KEPT_CALL_ENDS_TOO] = sensor->maps.call_ends_too,
                [KEPT_CALL_BEGINS] = sensor->maps.call_begins,
                [KEPT_FILTERS] = sensor->maps.filters,
                [KEPT_FILTER_CLASSES] = sensor->maps.filter_classes,
                [KEPT_FILTER_GROUPS] = sensor->maps.filter_groups,
                [KEPT_FILTER_FRONTS] = sensor->maps.filter_fronts,
                [KEPT_FILTER_BACKS] = sensor->maps.filter_backs,
                [KEPT_FILTER_NETWORKS] = sensor->maps.filter_networks,
                [KEPT_FILTER_NUMBERS] = sensor->maps.filter_numbers,
                [KEPT_ARMED] = sensor->maps.armed,
                [KEPT_KNOBS] = sensor->maps.bss,
                [KEPT_CPUS] = sensor->maps.cpus,
        };
        int r;

        r = keep_programs(hooks);
        if (r < 0)
                return r;
        for (size_t i = 0; i < _KEPT_MAX; i++) {
                hooks->maps[i] = fcntl(bpf_map__fd(maps[i]), F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
                if (hooks->maps[i] < 0)
                        return -errno;
        }
        return 0;
}

/* The value of an array that programs share with us, of so many bytes; more than that is theirs alone. */
static void *map_value(int map_fd, size_t size, int protection) {
        void *memory = mmap(NULL, size, protection, MAP_SHARED, map_fd, 0);

        return memory == MAP_FAILED ? NULL : memory;
}

int hooks_keep_map(struct hooks *hooks) {
        struct bpf_map_info info = {};
        uint32_t size = sizeof(info);

        if (bpf_obj_get_info_by_fd(hooks->maps[KEPT_CPUS], &info, &size) < 0)
                return -errno;
        hooks->cpu_size = ALIGN_UP((size_t)info.value_size, (size_t)8);
        hooks->n_cpus = libbpf_num_possible_cpus() + 1;
        if (info.max_entries < hooks->n_cpus)
                return -EPROTO;
        hooks->cpus = map_value(hooks->maps[KEPT_CPUS], hooks->cpu_size * hooks->n_cpus, PROT_READ);
        if (!hooks->cpus)
                return -errno;
        hooks->knobs = map_value(hooks->maps[KEPT_KNOBS], sizeof(*hooks->knobs), PROT_READ | PROT_WRITE);
        return hooks->knobs ? 0 : -errno;
}

void hooks_keep_init(struct hooks *hooks) {
        for (size_t i = 0; i < N_HOOKS; i++)
                hooks->prog_fds[i] = -1;
        for (size_t i = 0; i < _KEPT_MAX; i++)
                hooks->maps[i] = -1;
        hooks->skipped.link_fd = -1;
}

void hooks_keep_done(struct hooks *hooks) {
        hooks_skipped_done(hooks);
        for (size_t i = 0; i < N_HOOKS; i++) {
                for (size_t k = i + 1; k < N_HOOKS; k++)
                        if (hooks->prog_fds[k] == hooks->prog_fds[i])
                                hooks->prog_fds[k] = -1;
                hooks->prog_fds[i] = close_fd(hooks->prog_fds[i]);
        }
        for (size_t i = 0; i < _KEPT_MAX; i++)
                hooks->maps[i] = close_fd(hooks->maps[i]);
        if (hooks->knobs)
                munmap(TAKE_PTR(hooks->knobs), sizeof(*hooks->knobs));
}
