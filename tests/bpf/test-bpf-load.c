/* SPDX-License-Identifier: Apache-2.0 */
/* Under load: that nothing is lost without being counted, that what the process table lives on is not shed for the
 * rest, that causes come before what they cause on whatever processor, and that the table is right after a storm.
 *
 * The host is shared: others fork and open files meanwhile. So what is checked holds for all events, not only ours. */
#include <dirent.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "process/process-table.h"

#include "lab.h"

#define F(kind, id) WIRE_FIELD_##kind##_##id
#define BIT(kind) (1ULL << WIRE_KIND_##kind)
#define CORE (BIT(fork) | BIT(execve) | BIT(exit))
#define FILES (BIT(openat) | BIT(write) | BIT(unlink))

static size_t n_pids;                   /* all are below */

static void read_pid_max(void) {
        FILE *file = fopen("/proc/sys/kernel/pid_max", "re");

        ck_assert_ptr_nonnull(file);
        ck_assert_int_eq(fscanf(file, "%zu", &n_pids), 1);
        fclose(file);
        n_pids++;
}

static void begin(uint64_t kinds, size_t ring_bytes) {
        const struct capture_options options = {.ring_bytes = ring_bytes};
        struct interest interest = lab_interest(kinds);

        lab_open(&interest, &options);
}

static void pin(int cpu) {
        cpu_set_t set;

        CPU_ZERO(&set);
        CPU_SET(cpu, &set);
        (void)sched_setaffinity(0, sizeof(set), &set);
}

/* Three events of each turn. */
static int work_on_files(void *argument) {
        char path[128];

        snprintf(path, sizeof(path), "%s/file-%d", lab.directory, getpid());
        for (long i = 0; i < (long)argument; i++) {
                int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

                (void)!write(fd, "hello", 5);
                close(fd);
                unlink(path);
        }
        return 0;
}

static int fork_often(void *argument) {
        for (volatile long i = 0; i < (long)argument; i++) {
                pid_t pid = vfork();

                if (pid == 0)
                        _exit(0);
                (void)waitpid(pid, NULL, 0);
        }
        return 0;
}

static pid_t work(int (*action)(void *argument), long n) {
        pid_t pid = lab_fork();

        if (pid == 0)
                _exit(action((void *)n));
        return pid;
}

static void wait_for(pid_t pid) {
        ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

/* ---- loss ---- */

/* No record of a CPU is read that was written after a loss there before a gap has told that loss, or said that there
 * will be more until a time that is not over. Gives what the gaps told. */
static uint64_t check_gaps(uint64_t *ret_kinds) {
        static uint64_t seen[1024];     /* by CPU: lost there, as the records say */
        uint64_t told = 0, lost = 0, until_ns = 0;

        memset(seen, 0, sizeof(seen));
        *ret_kinds = 0;
        for (size_t i = 0; i < lab.n; i++) {
                const struct wire_header *record = lab.records[i];

                if (record->kind == WIRE_KIND_gap) {
                        told += lab_number(record, F(gap, count));
                        *ret_kinds |= lab_number(record, F(gap, kinds));
                        until_ns = MAX(until_ns, (uint64_t)lab_number(record, F(gap, until)));
                }
                if (record->flags & WIRE_SYNTHETIC || record->cpu >= 1024)
                        continue;
                if (record->lost > seen[record->cpu]) {
                        lost += record->lost - seen[record->cpu];
                        seen[record->cpu] = record->lost;
                }
                ck_assert_msg(lost <= told || record->time_ns <= until_ns,
                              "record %zu of CPU %u knows of a loss that no gap told", i, record->cpu);
        }
        return told;
}

START_TEST(a_full_ring_loses_files_before_processes_and_counts_each) {
        struct capture_stats before, stats;
        uint64_t told, kinds, lost_kinds = 0, lost = 0;
        pid_t files, forks;

        begin(FILES, 1 << 20);
        ck_assert(lab_read_all(&before));
        ck_assert_uint_eq(lab_lost(&before, WIRE_KIND_openat), 0);

        /* Nobody reads: first the files fill three quarters, then processes come. */
        files = work(work_on_files, 10000);
        wait_for(files);
        forks = work(fork_often, 100);
        wait_for(forks);
        ck_assert(lab_read_all(&stats));

        ck_assert_uint_ge(stats.produced[WIRE_KIND_openat] - before.produced[WIRE_KIND_openat], 10000);
        ck_assert_uint_ge(stats.produced[WIRE_KIND_write] - before.produced[WIRE_KIND_write], 10000);
        ck_assert_uint_ge(stats.produced[WIRE_KIND_unlink] - before.produced[WIRE_KIND_unlink], 10000);
        for (int kind = 0; kind < _WIRE_KIND_MAX; kind++) {
                if (FILES & 1ULL << kind)
                        ck_assert_uint_gt(stats.lost[kind][WIRE_LOSS_SHED], 5000);
                if (CORE & 1ULL << kind)
                        ck_assert_uint_eq(stats.lost[kind][WIRE_LOSS_SHED] + stats.lost[kind][WIRE_LOSS_SHARE], 0);
                if (lab_lost(&stats, kind) > 0)
                        lost_kinds |= 1ULL << kind;
                lost += lab_lost(&stats, kind);
        }

        /* The last quarter is for processes: ours are told, unless others filled that too. */
        if (lost_kinds & CORE)
                printf("others filled the last quarter: our processes not looked for\n");
        else {
                ck_assert_ptr_nonnull(lab_find(WIRE_KIND_exit, files, 0));
                ck_assert_uint_eq(lab_count(WIRE_KIND_fork, forks), 100);
                ck_assert_ptr_nonnull(lab_find(WIRE_KIND_exit, forks, 0));
        }

        told = check_gaps(&kinds);
        ck_assert_uint_eq(told, lost);
        ck_assert_uint_eq(kinds, lost_kinds);
        lab_close();
}
END_TEST

static int change_user_often(void *argument) {
        for (long i = 0; i < (long)argument; i++)
                if (setuid(0) < 0)
                        return 1;
        return 0;
}

/* Three shares: what anybody can make at will leaves room for changes of credentials, and these for processes. */
START_TEST(changes_of_credentials_have_room_that_files_leave_and_leave_some_to_processes) {
        struct capture_stats before, stats;
        pid_t files, few, many, forks;

        begin(FILES | BIT(setuid), 4 << 20);
        ck_assert(lab_read_all(&before));

        files = work(work_on_files, 10000);
        wait_for(files);
        few = work(change_user_often, 100);
        wait_for(few);
        capture_stats(lab.capture, &stats);
        ck_assert_uint_eq(lab_lost(&stats, WIRE_KIND_setuid), 0);
        many = work(change_user_often, 10000);
        wait_for(many);
        forks = work(fork_often, 100);
        wait_for(forks);
        ck_assert(lab_read_all(&stats));

        ck_assert_uint_gt(stats.lost[WIRE_KIND_openat][WIRE_LOSS_SHED], 5000);
        ck_assert_uint_gt(stats.lost[WIRE_KIND_setuid][WIRE_LOSS_SHARE], 5000);
        ck_assert_uint_eq(lab_count(WIRE_KIND_setuid, few), 100);
        ck_assert_uint_ge(stats.produced[WIRE_KIND_setuid] - before.produced[WIRE_KIND_setuid], 10100);
        for (int kind = 0; kind < _WIRE_KIND_MAX; kind++) {
                ck_assert_uint_eq(stats.produced[kind], stats.delivered[kind] + lab_lost(&stats, kind));
                if (CORE & 1ULL << kind)
                        ck_assert_uint_eq(stats.lost[kind][WIRE_LOSS_SHARE], 0);
        }
        if (lab_lost(&stats, WIRE_KIND_fork) + lab_lost(&stats, WIRE_KIND_exit) > 0)
                printf("others filled what is left to processes: ours not looked for\n");
        else {
                ck_assert_uint_eq(lab_count(WIRE_KIND_fork, forks), 100);
                ck_assert_ptr_nonnull(lab_find(WIRE_KIND_exit, forks, 0));
        }
        lab_close();
}
END_TEST

/* Again and again, with a reader that comes too late each time. */
START_TEST(loss_after_loss_is_told_before_what_came_after_it) {
        struct capture_stats stats;
        uint64_t told, kinds, lost = 0;
        pid_t pid[2];

        begin(FILES, 64 << 10);
        for (size_t i = 0; i < 2; i++)
                pid[i] = work(work_on_files, 10000);
        for (int i = 0; i < 2;) {
                usleep(3000);
                lab_read();
                while (i < 2 && waitpid(pid[i], NULL, WNOHANG) == pid[i])
                        i++;
        }
        ck_assert(lab_read_all(&stats));
        for (int kind = 0; kind < _WIRE_KIND_MAX; kind++)
                lost += lab_lost(&stats, kind);
        ck_assert_uint_gt(lost, 0);
        told = check_gaps(&kinds);
        ck_assert_uint_eq(told, lost);
        ck_assert_uint_ge(lab_count(WIRE_KIND_gap, 0), 3);
        printf("%zu gaps tell %ju lost of %ju\n", lab_count(WIRE_KIND_gap, 0), (uintmax_t)lost,
               (uintmax_t)(stats.produced[WIRE_KIND_openat] + stats.produced[WIRE_KIND_write] +
                           stats.produced[WIRE_KIND_unlink]));
        lab_close();
}
END_TEST

/* ---- causes and what they cause ---- */

static int spawn_often(void *argument) {
        static char *const arguments[] = {"true", NULL};

        for (long i = 0; i < (long)argument; i++) {
                pid_t pid;

                if (posix_spawn(&pid, "/bin/true", NULL, NULL, arguments, environ) != 0)
                        return 1;
                (void)waitpid(pid, NULL, 0);
        }
        return 0;
}

/* Of each worker. An emulated machine has to do it too. */
#define SPAWNS 100L

enum life {
        UNHEARD_OF,
        RUNS,                           /* before we looked, or after its exec */
        FORKED,
        ENDED,
};

START_TEST(causes_come_before_what_they_cause_on_every_processor) {
        int n_cpus = (int)sysconf(_SC_NPROCESSORS_ONLN);
        struct capture_stats stats;
        uint64_t late = 0, time_ns = 0;
        size_t n_ours = 0, n_opens = 0;
        pid_t workers[64];
        uint8_t *lives;

        read_pid_max();
        lives = calloc(n_pids, 1);
        ck_assert_ptr_nonnull(lives);
        if (n_cpus > 32)
                n_cpus = 32;

        begin(BIT(openat), 64 << 20);
        for (int i = 0; i < 2 * n_cpus; i++) {
                workers[i] = lab_fork();
                if (workers[i] == 0) {
                        /* The parent of each child stays on one processor, the child goes wherever it is put. */
                        if (i % 2 == 0)
                                pin(i / 2);
                        _exit(i % 2 == 0 ? spawn_often((void *)SPAWNS) : work_on_files((void *)8000L));
                }
        }
        for (int i = 0; i < 2 * n_cpus;) {
                lab_read();
                usleep(1000);
                while (i < 2 * n_cpus && waitpid(workers[i], NULL, WNOHANG) == workers[i])
                        i++;
        }
        ck_assert(lab_read_all(&stats));
        ck_assert_uint_eq(lab_count(WIRE_KIND_gap, 0), stats.n_stalls);

        for (size_t i = 0; i < lab.n; i++) {
                const struct wire_header *record = lab.records[i];
                uint32_t pid = record->tgid;
                bool ours = false;

                if (record->time_ns < time_ns)
                        late++;
                else
                        time_ns = record->time_ns;
                if (record->kind == WIRE_KIND_process)
                        lives[pid] = RUNS;
                if (record->flags & WIRE_SYNTHETIC || pid == 0)
                        continue;
                for (int k = 0; k < 2 * n_cpus; k += 2)
                        ours |= record->creator_tgid == (uint32_t)workers[k];

                ck_assert_msg(lives[pid] != UNHEARD_OF, "%u does something before its fork", pid);
                ck_assert_msg(lives[pid] != ENDED, "%u does something after its end", pid);
                if (record->kind == WIRE_KIND_fork) {
                        uint32_t child = (uint32_t)lab_number(record, F(fork, child_pid));

                        ck_assert_uint_lt(child, n_pids);
                        lives[child] = FORKED;
                }
                if (record->kind == WIRE_KIND_execve && record->result >= 0) {
                        n_ours += ours;
                        lives[pid] = RUNS;
                }
                if (record->kind == WIRE_KIND_openat && ours) {
                        n_opens++;
                        ck_assert_msg(lives[pid] == RUNS, "%u opens before its exec", pid);
                }
                if (record->kind == WIRE_KIND_exit)
                        lives[pid] = ENDED;
        }
        ck_assert_uint_eq(n_ours, SPAWNS * n_cpus);
        ck_assert_uint_ge(n_opens, SPAWNS * n_cpus);
        ck_assert_uint_eq(stats.n_late, late);
        printf("%zu records, %ju late\n", lab.n, (uintmax_t)late);
        free(lives);
        lab_close();
}
END_TEST

/* ---- a storm ---- */

static struct process_table *table;
static uint64_t fed_ns, fed;
static bool hidden_init;                /* some hosts keep PID 1 from the kernel's iterators */

static void feed_table(void) {
        lab_read();
        for (size_t i = 0; i < lab.n; i++) {
                struct event event = {.wire = lab.records[i]};

                fed_ns = fed_ns > event.wire->time_ns ? fed_ns : event.wire->time_ns;
                event.time_ns = fed_ns;
                event.number = ++fed;
                (void)process_table_update(table, &event);
        }
        lab_forget();
}

/* By pid: when it began, in clock ticks and 1; 0: it does not run. */
static void read_proc(uint64_t *starts) {
        DIR *dir = opendir("/proc");
        struct dirent *entry;

        ck_assert_ptr_nonnull(dir);
        memset(starts, 0, n_pids * sizeof(*starts));
        while ((entry = readdir(dir))) {
                char path[300], text[1024] = "", state, *rest;
                unsigned long long start;
                int fd, pid = atoi(entry->d_name);

                snprintf(path, sizeof(path), "/proc/%s/stat", entry->d_name);
                if (pid <= 0 || pid >= (int)n_pids || (fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
                        continue;
                (void)!read(fd, text, sizeof(text) - 1);
                close(fd);
                rest = strrchr(text, ')');
                if (rest && sscanf(rest,
                                   ") %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
                                   &state, &start) == 2 &&
                    state != 'Z' && state != 'X')
                        starts[pid] = start + 1;
        }
        closedir(dir);
}

/* Who is in the table and in neither list of /proc, or in both lists and not in the table. */
static size_t differences(const uint64_t *before, const uint64_t *after, bool tell) {
        uint64_t ns_per_tick = NSEC_PER_SEC / (uint64_t)sysconf(_SC_CLK_TCK);
        uint8_t *there = calloc(n_pids, 1);
        size_t n = 0;

        ck_assert_ptr_nonnull(there);
        for (struct process *p = process_table_next(table, NULL); p && p->state == PROCESS_RUNNING;
             p = process_table_next(table, p)) {
                uint64_t tick = p->id.start_ns / ns_per_tick + 1;

                if (before[p->id.pid] == tick || after[p->id.pid] == tick)
                        there[p->id.pid] = 1;
                else {
                        n++;
                        if (tell)
                                printf("%u is in the table and does not run\n", p->id.pid);
                }
        }
        for (uint32_t pid = hidden_init ? 2 : 1; pid < n_pids; pid++)
                if (before[pid] != 0 && before[pid] == after[pid] && !there[pid]) {
                        n++;
                        if (tell)
                                printf("%u runs and is not in the table\n", pid);
                }
        free(there);
        return n;
}

START_TEST(after_a_storm_of_processes_the_table_is_that_of_the_host) {
        const struct process_table_limits limits = {
                .max_processes = 65536, .max_image_bytes = 32 << 20, .max_cgroups = 4096, .grace_ns = NSEC_PER_SEC};
        uint64_t *before, *after, until_ns, lost = 0;
        struct capture_stats stats;
        pid_t forkers[4], sleepers[20];
        size_t n;

        read_pid_max();
        before = calloc(n_pids, sizeof(*before));
        after = calloc(n_pids, sizeof(*after));
        ck_assert(before && after);
        ck_assert_int_eq(process_table_new(&limits, &table), 0);
        begin(0, 64 << 10);
        hidden_init = !lab_find(WIRE_KIND_process, 1, 0);
        for (size_t i = 0; i < 4; i++)
                forkers[i] = work(fork_often, 1000);
        for (size_t i = 0; i < 20; i++) {
                sleepers[i] = lab_fork();
                if (sleepers[i] == 0) {
                        execl("/bin/sleep", "sleep", "100", NULL);
                        _exit(1);
                }
                usleep(2000);
        }
        for (size_t i = 0; i < 4;) {
                usleep(20000);
                feed_table();
                if (waitpid(forkers[i], NULL, WNOHANG) == forkers[i])
                        i++;
        }
        /* Half of them end while nobody reads and the ring is full. */
        forkers[0] = work(fork_often, 300);
        wait_for(forkers[0]);
        for (size_t i = 0; i < 10; i++) {
                kill(sleepers[i], SIGKILL);
                wait_for(sleepers[i]);
        }
        capture_stats(lab.capture, &stats);
        for (int kind = 0; kind < _WIRE_KIND_MAX; kind++)
                lost += CORE & 1ULL << kind ? lab_lost(&stats, kind) : 0;
        ck_assert_uint_gt(lost, 0);

        until_ns = clock_boottime_ns() + 15 * NSEC_PER_SEC;
        do {
                usleep(20000);
                read_proc(before);
                feed_table();
                read_proc(after);
                n = differences(before, after, false);
        } while (n > 0 && clock_boottime_ns() < until_ns);
        ck_assert_uint_eq(differences(before, after, true), 0);

        capture_stats(lab.capture, &stats);
        printf("%ju forks produced, %ju records of processes lost, %ju ends and %ju processes made good\n",
               (uintmax_t)stats.produced[WIRE_KIND_fork], (uintmax_t)lost, (uintmax_t)stats.n_mended_exits,
               (uintmax_t)stats.n_mended_processes);
        for (size_t i = 10; i < 20; i++) {
                kill(sleepers[i], SIGKILL);
                wait_for(sleepers[i]);
        }
        table = process_table_free(table);
        free(before);
        free(after);
        lab_close();
}
END_TEST

LAB_MAIN("bpf/load", NULL, NULL,
         a_full_ring_loses_files_before_processes_and_counts_each,
         changes_of_credentials_have_room_that_files_leave_and_leave_some_to_processes,
         loss_after_loss_is_told_before_what_came_after_it,
         causes_come_before_what_they_cause_on_every_processor,
         after_a_storm_of_processes_the_table_is_that_of_the_host)
