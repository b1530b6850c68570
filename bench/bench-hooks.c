/* SPDX-License-Identifier: Apache-2.0 */
/* Hooks - what the programs in the kernel cost those who make the calls: fork+exec+exit with the core programs on and
 * off; open+close and a call that nobody looks at (`other`) with nothing attached, with the core programs, with an
 * empty program on openat, with one on the end of all calls (`raw`), with ours there (`ours`: the kind is not wanted;
 * `flags`: not these flags; `user`, `path`: the filter rules them out; `told`: there is no filter, and all of it goes
 * into the ring; `let`: the filter lets it through; `read`: the same, and another process reads the ring meanwhile, on
 * another processor), of a file six names deep; the same of read, write and sendto (`unwanted`: the kind is not wanted;
 * `result`: only its failures are). What each program takes by the kernel's own statistics: test-bpf-cost.
 *
 * Straight on the programs, without the daemon: attaching takes less than a millisecond, so that on and off take turns
 * every few milliseconds and what else the machine does falls on both. A call's cost is processor time (user and
 * system, children included), not wall time; figures are means of the quieter half, less the quietest tenth.
 *
 *      bench-hooks [--quick] [exec] [calls] [filtered]
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture/attach.h"
#include "capture/kernel.h"
#include "capture/prefilter-maps.h"
#include "capture/ring.h"
#include "event/event.h"
#include "measure.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"               /* generated code */
#include "sensor.skel.h"
#pragma GCC diagnostic pop

#define RING_BYTES ((size_t)8 << 20)
#define MAX_LINKS 8
#define SPAWNS 24
#define CALLS 1500

static const struct {
        const char *program, *place;
} core[] = {
        {"on_fork", "tp_btf/task_newtask"},
        {"before_exec", "tp_btf/task_rename"},
        {"on_exec", "tp_btf/sched_process_exec"},
        {"on_exit", "tp_btf/sched_process_exit"},
        {"on_cgroup", "tp_btf/cgroup_mkdir"},
        {"on_cgroup_gone", "tp_btf/cgroup_rmdir"},
};

/* Calls that programs make all the time, and that few policies want. */
static const struct bytes {
        const char *name, *program, *place;
        enum wire_call call;
        enum wire_kind kind;
} bytes[] = {
        {"read", "exit_read", "tp/syscalls/sys_exit_read", WIRE_CALL_read, WIRE_KIND_read},
        {"write", "exit_write", "tp/syscalls/sys_exit_write", WIRE_CALL_write, WIRE_KIND_write},
        {"sendto", "exit_send", "tp/syscalls/sys_exit_sendto", WIRE_CALL_sendto, WIRE_KIND_sendto},
};

static struct sensor *sensor;
static int tracefs_fd;
static int links[MAX_LINKS];
static size_t n_links;

static void die(const char *what) {
        fprintf(stderr, "%s: %s\n", what, strerror(errno));
        exit(1);
}

static void load(void) {
        const struct kernel *kernel = kernel_get();
        struct bpf_program *program;

        sensor = sensor__open();
        if (!sensor)
                die("cannot open the programs");
        bpf_map__set_max_entries(sensor->maps.cpus, libbpf_num_possible_cpus());
        bpf_map__set_max_entries(sensor->maps.ring, RING_BYTES);
        sensor->rodata->can_cast = kernel->cast;
        sensor->rodata->named_hierarchy = access("/sys/fs/cgroup/unified", F_OK) >= 0;
        sensor->bss->ring_share_bytes = RING_BYTES / 4 * 3;
        sensor->bss->ring_wake_bytes = RING_BYTES;
        /* Only those that are measured: not every kernel takes all the others. */
        bpf_object__for_each_program(program, sensor->obj) {
                bool measured = strcmp(bpf_program__name(program), "exit_openat") == 0;

                for (size_t i = 0; i < sizeof(bytes) / sizeof(bytes[0]); i++)
                        measured |= strcmp(bpf_program__name(program), bytes[i].program) == 0;
                for (size_t i = 0; i < sizeof(core) / sizeof(core[0]); i++)
                        measured |= strcmp(bpf_program__name(program), core[i].program) == 0;
                bpf_program__set_autoload(program, measured);
        }
        if (sensor__load(sensor) < 0)
                die("cannot load the programs");
        tracefs_fd = tracefs_open();
}

static void attach(int prog_fd, const char *place, enum wire_call call) {
        int fd = attach_program(prog_fd, place, call, tracefs_fd, -1);

        if (fd < 0) {
                errno = -fd;
                die(place);
        }
        links[n_links++] = fd;
}

static void attach_named(const char *name, const char *place, enum wire_call call) {
        struct bpf_program *program = bpf_object__find_program_by_name(sensor->obj, name);

        if (!program)
                die(name);
        attach(bpf_program__fd(program), place, call);
}

static void attach_core(void) {
        for (size_t i = 0; i < sizeof(core) / sizeof(core[0]); i++)
                attach_named(core[i].program, core[i].place, WIRE_CALL_NONE);
}

static void detach(void) {
        while (n_links > 0)
                close(links[--n_links]);
}

/* What the reader would take is taken here, by nobody's account: between the blocks. */
static struct ring ring;

static size_t empty_ring(void) {
        const void *data;
        size_t size, n = 0;

        while (ring_peek(&ring, &data, &size) == RING_RECORD) {
                ring_advance(&ring);
                n++;
        }
        return n;
}

/* Who reads it instead, as the daemon does: all that is there, each record given back by itself, and then a pause. */
enum { READER_STOPS, READER_READS, READER_STOPPED };
static int *reader;                     /* shared with it */

static void reader_run(void) {
        bool read = false;

        for (;;) {
                const uint64_t *words;
                const void *data;
                size_t size;
                int state = __atomic_load_n(reader, __ATOMIC_ACQUIRE);

                if (state == READER_READS && !read)
                        ring.position = *ring.consumer;         /* others have read since */
                read = state == READER_READS;
                if (state == READER_STOPS)
                        __atomic_store_n(reader, READER_STOPPED, __ATOMIC_RELEASE);
                if (read)
                        while (ring_peek(&ring, &data, &size) == RING_RECORD) {
                                words = data;
                                for (size_t i = 0; i < size / 8; i++)
                                        *(volatile const uint64_t *)&words[i];
                                ring_advance(&ring);
                        }
                usleep(1000);
        }
}

static void reader_start(void) {
        cpu_set_t all, here;
        pid_t parent = getpid(), pid;

        reader = mmap(NULL, sizeof(*reader), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (reader == MAP_FAILED || sched_getaffinity(0, sizeof(here), &here) < 0)
                die("the reader");
        pid = fork();
        if (pid < 0)
                die("the reader");
        if (pid > 0)
                return;
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
                _exit(1);
        CPU_ZERO(&all);
        for (int i = 0; i < CPU_SETSIZE; i++)
                if (!CPU_ISSET(i, &here))
                        CPU_SET(i, &all);
        (void)sched_setaffinity(0, sizeof(all), &all);
        reader_run();
}

/* From here on it reads, or we do. */
static void reader_reads(bool yes) {
        static bool reads;

        if (yes == reads)
                return;
        reads = yes;
        __atomic_store_n(reader, yes ? READER_READS : READER_STOPS, __ATOMIC_RELEASE);
        while (!yes && __atomic_load_n(reader, __ATOMIC_ACQUIRE) != READER_STOPPED)
                usleep(100);
        ring.position = *ring.consumer;
}

static uint64_t usage_ns(const struct rusage *usage) {
        return (uint64_t)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1000000000ULL +
                (uint64_t)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) * 1000;
}

static uint64_t own_time_ns(void) {
        struct timespec t;

        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
        return (uint64_t)t.tv_sec * 1000000000ULL + t.tv_nsec;
}

static struct measure *measure_new(void) {
        struct measure *m = calloc(1, sizeof(*m));

        if (!m)
                die("memory");
        return m;
}

static void add(struct measure *m, double value) {
        if (m->n < MEASURE_MAX)
                m->samples[m->n++] = value;
}

/* The mean of the quieter half, less the quietest tenth. */
static double quiet(struct measure *m) {
        double sum = 0;
        size_t n = 0;

        measure_median(m);
        for (size_t i = m->n / 10; i < m->n / 2; i++, n++)
                sum += m->samples[i];
        return n > 0 ? sum / n : 0;
}

/* ---- fork, execve and exit ---- */

/* From fork to the end: ours and the child's. */
static uint64_t time_spawn(const char *program) {
        char *arguments[] = {(char *)program, NULL};
        struct rusage usage;
        uint64_t start;
        pid_t pid;

        start = own_time_ns();
        errno = posix_spawn(&pid, program, NULL, NULL, arguments, environ);
        if (errno)
                die(program);
        while (wait4(pid, NULL, 0, &usage) < 0)
                ;
        return own_time_ns() - start + usage_ns(&usage);
}

static void spawns(const char *program, struct measure *m) {
        for (int i = 0; i < SPAWNS; i++)
                add(m, time_spawn(program));
}

static void execs(int rounds) {
        struct measure *on = measure_new(), *off = measure_new();

        time_spawn("/bin/true");
        for (int i = 0; i < rounds; i++) {
                if (i % 2 == 0)
                        spawns("/bin/true", off);
                attach_core();
                spawns("/bin/true", on);
                detach();
                empty_ring();
                if (i % 2 != 0)
                        spawns("/bin/true", off);
        }
        measure_print("exec_base_us", quiet(off) / 1000);
        measure_print("exec_added_us", (quiet(on) - quiet(off)) / 1000);
        measure_print("exec_hooks_ratio", quiet(on) / quiet(off));
}

/* ---- calls that nobody watches ---- */

static int empty_program(enum bpf_prog_type type) {
        const struct bpf_insn program[] = {
                {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
                {.code = BPF_JMP | BPF_EXIT},
        };
        int fd = bpf_prog_load(type, "empty", "GPL", program, 2, NULL);

        if (fd < 0)
                die("the empty program");
        return fd;
}

/* A call that nobody looks at. */
static double time_others(void) {
        uint64_t start = own_time_ns();

        for (int i = 0; i < CALLS * 10; i++)
                syscall(SYS_getppid);
        return (double)(own_time_ns() - start) / (CALLS * 10);
}

static double time_opens(const char *path, int flags) {
        uint64_t start = own_time_ns();

        for (int i = 0; i < CALLS; i++) {
                int fd = open(path, flags | O_CLOEXEC);

                if (fd < 0)
                        die(path);
                close(fd);
        }
        return (double)(own_time_ns() - start) / CALLS;
}

enum state {
        NOTHING,                        /* attached */
        CORE,
        EMPTY,                          /* an empty program on sys_exit_openat, */
        RAW,                            /* or on the one tracepoint that all calls end with */
        OURS,                           /* ours there, with openat filtered by the kind, */
        FLAGS,                          /* and by the flags, */
        USER,                           /* by the user, and by the path, as the filter of policies would; */
        PATH,
        TOLD,                           /* or told, each, without a filter, */
        LET,                            /* or since the filter lets it through; */
        READ,                           /* and the ring is read meanwhile */
        _STATE_MAX,
};

/* What policies about openat would leave in the kernel: about a user that is not ours, or about a path. */
static void filter(bool by_user, char *front) {
        static struct prefilter_maps *maps;
        static struct prefilter_arm none;
        struct prefilter_text text = {
                .uses = 1, .length = strlen(front), .kind = WIRE_KIND_openat, .place = PREFILTER_FRONT};
        static struct prefilter_number user = {
                .uses = 1, .number = 4321, .kind = WIRE_KIND_openat, .dimension = PREFILTER_USER};
        static struct prefilter prefilter;
        struct prefilter_kind *kind = &prefilter.kinds[WIRE_KIND_openat];

        if (!maps && prefilter_maps_new(&(const struct prefilter_shared){
                                                .filters = bpf_map__fd(sensor->maps.filters),
                                                .classes = bpf_map__fd(sensor->maps.filter_classes),
                                                .groups = bpf_map__fd(sensor->maps.filter_groups),
                                                .fronts = bpf_map__fd(sensor->maps.filter_fronts),
                                                .backs = bpf_map__fd(sensor->maps.filter_backs),
                                                .networks = bpf_map__fd(sensor->maps.filter_networks),
                                                .numbers = bpf_map__fd(sensor->maps.filter_numbers),
                                                .armed = bpf_map__fd(sensor->maps.armed),
                                                .table = &sensor->bss->filter_table,
                                                .waiting = (uint64_t *)&sensor->bss->filter_waiting,
                                                .by_user = (uint64_t *)&sensor->bss->filter_by_user,
                                                .urgent = (uint64_t *)sensor->bss->urgent_uses,
                                                .soon = (uint64_t *)sensor->bss->soon_uses,
                                        },
                                        &maps) < 0)
                die("the filter");
        *kind = (struct prefilter_kind){.active = true, .n_uses = 1, .first = UINT64_MAX, .arms = &none};
        for (int d = 0; d < _PREFILTER_DIMENSION_MAX; d++)
                kind->any[d] = UINT64_MAX;
        kind->fields[by_user ? PREFILTER_USER : PREFILTER_TEXT] =
                by_user ? FIELD_PROCESS_uid : FIELD_openat_pathname;
        kind->any[by_user ? PREFILTER_USER : PREFILTER_TEXT] = 0;
        prefilter.bytes.items = front;
        prefilter.bytes.n = strlen(front);
        prefilter.texts.items = &text;
        prefilter.texts.n = !by_user;
        prefilter.numbers.items = &user;
        prefilter.numbers.n = by_user;
        if (prefilter_maps_fill(maps, &prefilter, NULL, NULL) < 0)
                die("the filter");
        prefilter_maps_use(maps, &prefilter, false);
}

static void enter(enum state state, int empty_fd, int raw_fd) {
        static char ours[] = "/tmp/bench-hooks-", other[] = "/var/lib/other/";

        detach();
        reader_reads(false);
        sensor->bss->filter_table = 0;
        sensor->bss->wants[WIRE_KIND_openat] = 0;
        sensor->bss->flags_any[WIRE_KIND_openat] = 0;
        switch (state) {
        case NOTHING:
                break;
        case CORE:
                attach_core();
                break;
        case EMPTY:
                attach(empty_fd, "tp/syscalls/sys_exit_openat", WIRE_CALL_openat);
                break;
        case RAW:
                links[n_links] = bpf_raw_tracepoint_open("sys_exit", raw_fd);
                if (links[n_links++] < 0)
                        die("sys_exit");
                break;
        case FLAGS:
                sensor->bss->flags_any[WIRE_KIND_openat] = O_WRONLY;
                sensor->bss->wants[WIRE_KIND_openat] = WANT_SUCCESS;
                attach_named("exit_openat", "tp/syscalls/sys_exit_openat", WIRE_CALL_openat);
                break;
        case USER:
        case PATH:
        case TOLD:
        case LET:
        case READ:
                if (state != TOLD)
                        filter(state == USER, state == LET || state == READ ? ours : other);
                reader_reads(state == READ);
                sensor->bss->wants[WIRE_KIND_openat] = WANT_SUCCESS;
                attach_named("exit_openat", "tp/syscalls/sys_exit_openat", WIRE_CALL_openat);
                break;
        case OURS:
                attach_named("exit_openat", "tp/syscalls/sys_exit_openat", WIRE_CALL_openat);
                break;
        case _STATE_MAX:
                break;
        }
}

static void calls(int rounds) {
        static const char *const names[] = {"nothing", "core", "empty", "raw", "ours", "flags",
                                            "user",    "path", "told",  "let", "read"};
        char directory[] = "/tmp/bench-hooks-XXXXXX", path[64];
        struct measure *of[_STATE_MAX], *others[_STATE_MAX];
        int empty_fd = empty_program(BPF_PROG_TYPE_TRACEPOINT), raw_fd = empty_program(BPF_PROG_TYPE_RAW_TRACEPOINT);

        if (!mkdtemp(directory))
                die(directory);
        snprintf(path, sizeof(path), "%s/a/b/c/file", directory);
        for (char *p = path + strlen(directory) + 1; (p = strchr(p, '/')); *p++ = '/') {
                *p = 0;
                if (mkdir(path, 0700) < 0)
                        die(path);
        }
        close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
        for (int state = 0; state < _STATE_MAX; state++) {
                of[state] = measure_new();
                others[state] = measure_new();
        }
        time_opens(path, O_RDONLY);
        /* Attaching to a system call waits for all CPUs: the blocks are of several samples. */
        for (int i = 0; i < rounds; i++)
                for (int k = 0; k < _STATE_MAX; k++) {
                        int state = i % 2 == 0 ? k : _STATE_MAX - 1 - k;

                        enter(state, empty_fd, raw_fd);
                        for (int sample = 0; sample < 5; sample++) {
                                add(of[state], time_opens(path, O_RDONLY));
                                if (state != READ)
                                        empty_ring();
                                add(others[state], time_others());
                        }
                }
        detach();
        reader_reads(false);
        empty_ring();
        for (int state = 0; state < _STATE_MAX; state++) {
                char key[64];

                snprintf(key, sizeof(key), "open_%s_ns", names[state]);
                measure_print(key, quiet(of[state]));
                snprintf(key, sizeof(key), "other_%s_ns", names[state]);
                measure_print(key, quiet(others[state]));
        }
        unlink(path);
        for (char *p; (p = strrchr(path, '/')) && strlen(path) > strlen(directory);) {
                *p = 0;
                rmdir(path);
        }
}

/* ---- reads, writes and sends that are filtered ---- */

static double time_bytes(enum wire_call call, int zero_fd, const int pair[2]) {
        uint64_t start = own_time_ns();
        char byte = 0;

        for (int i = 0; i < CALLS; i++)
                if (call == WIRE_CALL_read)
                        (void)!read(zero_fd, &byte, 1);
                else if (call == WIRE_CALL_write)
                        (void)!write(zero_fd, &byte, 1);
                else {
                        (void)!sendto(pair[0], &byte, 1, MSG_DONTWAIT, NULL, 0);
                        (void)!recv(pair[1], &byte, 1, MSG_DONTWAIT);
                }
        return (double)(own_time_ns() - start) / CALLS;
}

static void filtered(int rounds) {
        static const char *const names[] = {"nothing", "empty", "unwanted", "result"};
        struct measure *of[sizeof(bytes) / sizeof(bytes[0])][4];
        int empty_fd = empty_program(BPF_PROG_TYPE_TRACEPOINT), zero_fd = open("/dev/zero", O_RDWR | O_CLOEXEC),
            pair[2];

        if (zero_fd < 0 || socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) < 0)
                die("/dev/zero and sockets");
        for (size_t k = 0; k < sizeof(bytes) / sizeof(bytes[0]); k++) {
                const struct bytes *b = &bytes[k];

                for (int state = 0; state < 4; state++)
                        of[k][state] = measure_new();
                time_bytes(b->call, zero_fd, pair);
                for (int i = 0; i < rounds * 4; i++) {
                        int state = i / 4 % 2 == 0 ? i % 4 : 3 - i % 4;

                        detach();
                        sensor->bss->wants[b->kind] = state == 3 ? WANT_FAILURE : 0;
                        if (state == 1)
                                attach(empty_fd, b->place, b->call);
                        else if (state > 1)
                                attach_named(b->program, b->place, b->call);
                        for (int sample = 0; sample < 5; sample++)
                                add(of[k][state], time_bytes(b->call, zero_fd, pair));
                }
                detach();
                sensor->bss->wants[b->kind] = 0;
        }
        for (size_t k = 0; k < sizeof(bytes) / sizeof(bytes[0]); k++)
                for (int state = 0; state < 4; state++) {
                        char key[64];

                        snprintf(key, sizeof(key), "%s_%s_ns", bytes[k].name, names[state]);
                        measure_print(key, quiet(of[k][state]));
                }
        close(zero_fd);
        close(pair[0]);
        close(pair[1]);
}

/* Nobody else runs on this processor meanwhile, as far as we may. A few seconds in all. */
static void be_alone(void) {
        struct sched_param first = {.sched_priority = 1};
        cpu_set_t one;

        CPU_ZERO(&one);
        CPU_SET(sched_getcpu(), &one);
        (void)sched_setaffinity(0, sizeof(one), &one);
        if (sched_setscheduler(0, SCHED_FIFO, &first) < 0)
                fprintf(stderr, "not alone on the processor: %s\n", strerror(errno));
}

/* Go on as a process that the programs know from its birth, as they know all while the daemon runs. */
static void be_known(void) {
        int status;
        pid_t pid;

        attach_core();
        pid = fork();
        if (pid < 0)
                die("fork");
        detach();
        if (pid == 0)
                return;
        while (waitpid(pid, &status, 0) < 0)
                ;
        _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

int main(int argc, char **argv) {
        bool quick = false, all = true;

        for (int i = 1; i < argc; i++)
                if (strcmp(argv[i], "--quick") == 0)
                        quick = true;
                else
                        all = false;
        load();
        if (ring_map(&ring, bpf_map__fd(sensor->maps.ring), RING_BYTES) < 0)
                die("the ring");
        be_known();
        be_alone();
        reader_start();
        for (int i = 1; i < argc || all; i++) {
                if (all || strcmp(argv[i], "exec") == 0)
                        execs(quick ? 150 : 400);
                if (all || strcmp(argv[i], "calls") == 0)
                        calls(quick ? 4 : 30);
                if (all || strcmp(argv[i], "filtered") == 0)
                        filtered(quick ? 4 : 30);
                if (all)
                        break;
        }
        ring_unmap(&ring);
        sensor__destroy(sensor);
        return 0;
}
