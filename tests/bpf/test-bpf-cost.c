/* SPDX-License-Identifier: Apache-2.0 */
/* What each program costs: instructions that the verifier looked at, and run time by the kernel's own statistics,
 * compared with what is recorded for this kernel on this kind of machine in costs.tsv.
 *
 * Time is compared in multiples of an empty program that runs in the same rounds, never in seconds: machines differ. An
 * emulated one differs from itself tenfold, from one round to the next: there it is told, and not compared. What looks
 * too slow is looked at again, for the best of many rounds is what the code takes, and all else what the host does.
 * With LAB_COSTS in the environment the lines `cost PROGRAM MACHINE KERNEL INSTRUCTIONS TIMES` are told, which costs.py
 * records. */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <dirent.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/macro.h"
#include "capture/attach.h"

#include "lab.h"

#define MAX_PROGRAMS 512
#define VERIFIER_LIMIT 1000000          /* instructions; the kernel's own */
#define NEAR_THE_LIMIT (VERIFIER_LIMIT / 2)
#define UNRECORDED_LIMIT 100000         /* of a program that nobody recorded yet */
#define GROWTH 1.25
#define TIME_GROWTH 10 /* on a shared machine three times is noise */
#define ROUNDS 5
#define MORE_ROUNDS 60                  /* while a program seems to be too slow */
#define MIN_RUNS 10                     /* in a round: fewer mean cold caches, and are told, but not compared */
#define FLOOR_NS 1000                   /* nor is what takes less */
#define REPEAT 60                       /* calls of each in a round */

struct record {
        const char *program, *machine, *kernel;
        unsigned instructions;
        double times;                   /* 0: not recorded */
};

static const struct record records[] = {
#include "costs.h"
        {NULL},
};

struct program {
        int fd;                         /* owned */
        char name[64];
        unsigned instructions;
        uint64_t load_ns;               /* when it was loaded */
        uint64_t run_ns, n_runs;        /* until the round began */
        double ns;                      /* a run, of the best round */
        double compared_ns;             /* the same of rounds with enough runs; 0: there was none */
};

static struct program programs[MAX_PROGRAMS];
static size_t n_programs;
static char kernel_name[32];              /* "6.12" */
static char machine_name[32];             /* "x86_64" */
static bool emulated;

static void see_kernel(void) {
        struct utsname name;
        unsigned major = 0, minor = 0;

        emulated = getenv("EMULATED") != NULL;  /* tests/vm/init.c */
        ck_assert_int_eq(uname(&name), 0);
        ck_assert_int_eq(sscanf(name.release, "%u.%u", &major, &minor), 2);
        snprintf(kernel_name, sizeof(kernel_name), "%u.%u", major, minor);
        snprintf(machine_name, sizeof(machine_name), "%.*s", (int)sizeof(machine_name) - 1, name.machine);
}

/* The kernel cuts names after 15 bytes; its types have them whole. */
static void name_program(struct program *program, const struct bpf_prog_info *info) {
        struct bpf_func_info function = {};
        struct bpf_prog_info more = {
                .nr_func_info = 1,
                .func_info_rec_size = sizeof(function),
                .func_info = (uintptr_t)&function,
        };
        uint32_t size = sizeof(more);
        struct btf *btf;

        snprintf(program->name, sizeof(program->name), "%s", info->name);
        if (bpf_obj_get_info_by_fd(program->fd, &more, &size) < 0 || !info->btf_id)
                return;
        btf = btf__load_from_kernel_by_id(info->btf_id);
        if (!btf)
                return;
        if (btf__type_by_id(btf, function.type_id))
                snprintf(program->name, sizeof(program->name), "%s",
                         btf__name_by_offset(btf, btf__type_by_id(btf, function.type_id)->name_off));
        btf__free(btf);
}

static bool read_info(int fd, struct bpf_prog_info *info) {
        uint32_t size = sizeof(*info);

        memset(info, 0, sizeof(*info));
        return bpf_obj_get_info_by_fd(fd, info, &size) >= 0;
}

/* The capture of this process has a descriptor of each. */
static void find_programs(void) {
        DIR *directory = opendir("/proc/self/fd");
        struct dirent *entry;

        ck_assert_ptr_nonnull(directory);
        while ((entry = readdir(directory))) {
                char path[64], target[64] = "";
                struct program *program = &programs[n_programs];
                struct bpf_prog_info info;

                snprintf(path, sizeof(path), "/proc/self/fd/%.20s", entry->d_name);
                if (readlink(path, target, sizeof(target) - 1) < 0 || strcmp(target, "anon_inode:bpf-prog") != 0)
                        continue;
                program->fd = atoi(entry->d_name);
                ck_assert(read_info(program->fd, &info));
                program->instructions = info.verified_insns;
                program->load_ns = info.load_time;
                name_program(program, &info);
                n_programs++;
                ck_assert_uint_lt(n_programs, MAX_PROGRAMS);
        }
        closedir(directory);
        ck_assert_uint_gt(n_programs, 5);
}

static int by_load(const void *a, const void *b) {
        const struct program *x = a, *y = b;

        return x->load_ns < y->load_ns ? -1 : x->load_ns > y->load_ns;
}

static const struct record *recorded(const char *program) {
        for (const struct record *r = records; r->program; r++)
                if (streq(r->program, program) && streq(r->machine, machine_name) && streq(r->kernel, kernel_name))
                        return r;
        return NULL;
}

/* The most of what is recorded; of other machines, too? */
static unsigned most_instructions(const char *program, bool all_machines) {
        unsigned most = 0;

        for (const struct record *r = records; r->program; r++)
                if (streq(r->program, program) && (all_machines || streq(r->machine, machine_name)))
                        most = MAX(most, r->instructions);
        return most;
}

/* A kernel that nobody recorded may take what the hardest of the others does: of this kind of machine, if any is. */
static unsigned allowed_instructions(const struct program *program) {
        const struct record *exact = recorded(program->name);
        unsigned most = exact ? exact->instructions : most_instructions(program->name, false);

        if (most == 0)
                most = most_instructions(program->name, true);
        return most == 0 ? UNRECORDED_LIMIT : MIN((unsigned)(most * GROWTH) + 100, NEAR_THE_LIMIT);
}

START_TEST(no_program_is_harder_to_verify_than_it_was) {
        unsigned n_worse = 0;
        uint64_t total = 0;

        for (size_t i = 0; i < n_programs; i++) {
                const struct program *program = &programs[i];

                total += program->instructions;
                ck_assert_uint_gt(program->instructions, 0);
                if (program->instructions > allowed_instructions(program)) {
                        printf("%s: %u instructions to verify, %u are allowed\n", program->name, program->instructions,
                               allowed_instructions(program));
                        n_worse++;
                }
        }
        printf("%zu programs, %llu instructions to verify\n", n_programs, (unsigned long long)total);
        ck_assert_uint_eq(n_worse, 0);
}
END_TEST

/* ---- run time ---- */

static int attach_empty(int *ret_program) {
        const struct bpf_insn code[] = {
                {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
                {.code = BPF_JMP | BPF_EXIT},
        };
        _cleanup_(closep) int tracefs_fd = tracefs_open();

        *ret_program = bpf_prog_load(BPF_PROG_TYPE_TRACEPOINT, "empty", "GPL", code, ELEMENTSOF(code), NULL);
        return attach_program(*ret_program, "tp/syscalls/sys_exit_getppid", 0, tracefs_fd, -1);
}

/* A descriptor goes round through a message. */
static void pass_descriptor(int from, int to, int fd) {
        union {
                struct cmsghdr head;
                char bytes[CMSG_SPACE(sizeof(int))];
        } control = {.head = {.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
        struct iovec vector = {.iov_base = (char[1]){0}, .iov_len = 1};
        struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control,
                                 .msg_controllen = sizeof(control)};

        memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
        (void)!sendmsg(from, &message, 0);
        if (recvmsg(to, &message, 0) == 1) {
                memcpy(&fd, CMSG_DATA(&control.head), sizeof(fd));
                close(fd);
        }
}

static void use_memory(int fd) {
        void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

        if (page != MAP_FAILED) {
                (void)mprotect(page, 4096, PROT_READ);
                munmap(page, 4096);
        }
        fd = memfd_create("name", MFD_CLOEXEC);
        close(dup(fd));
        close(fd);
}

/* Each call that is watched, with a path of four names. What fails here or there costs as well. */
static int all_calls(void *argument) {
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(9)};
        struct iovec vector = {.iov_base = (char *)"x", .iov_len = 1};
        int fd, datagram = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), pair[2];

        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
                return 3;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (chdir(lab.directory) < 0)
                return 1;
        for (int i = 0; i < REPEAT; i++) {
                (void)syscall(SYS_getppid);
                fd = openat(AT_FDCWD, "a", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
                if (fd < 0)
                        return 2;
                (void)!write(fd, "x", 1);
                (void)!pwrite(fd, "x", 1, 0);
                (void)!writev(fd, &vector, 1);
                (void)!read(fd, &(char){0}, 1);
                (void)fchmod(fd, 0600);
                (void)!ftruncate(fd, 1);
                use_memory(fd);
                pass_descriptor(pair[0], pair[1], fd);
                close(fd);
                (void)chmod("a", 0600);
                (void)!chown("a", 0, 0);
                (void)setxattr("a", "user.x", "x", 1, 0);
                (void)utimensat(AT_FDCWD, "a", NULL, 0);
                (void)!truncate("a", 1);
                (void)!symlink("a", "s");
                (void)!link("a", "l");
                (void)unlink("l");
                (void)unlink("s");
                (void)mkdir("d", 0700);
                (void)rmdir("d");
                (void)rename("a", "b");
                (void)unlink("b");
                (void)connect(datagram, (struct sockaddr *)&address, sizeof(address));
        }
        for (int i = 0; i < REPEAT / 6; i++) {
                pid_t pid = vfork();

                if (pid == 0) {
                        execl("/bin/true", "true", NULL);
                        _exit(127);
                }
                (void)waitpid(pid, NULL, 0);
        }
        return 0;
}

static void begin_round(void) {
        for (size_t i = 0; i < n_programs; i++) {
                struct bpf_prog_info info;

                ck_assert(read_info(programs[i].fd, &info));
                programs[i].run_ns = info.run_time_ns;
                programs[i].n_runs = info.run_cnt;
        }
}

static void end_round(void) {
        for (size_t i = 0; i < n_programs; i++) {
                struct program *program = &programs[i];
                struct bpf_prog_info info;
                uint64_t n;

                ck_assert(read_info(program->fd, &info));
                n = info.run_cnt - program->n_runs;
                if (n > 0) {
                        double ns = (double)(info.run_time_ns - program->run_ns) / n;

                        program->ns = program->ns == 0 ? ns : MIN(program->ns, ns);
                        if (n >= MIN_RUNS)
                                program->compared_ns = program->compared_ns == 0 ? ns : MIN(program->compared_ns, ns);
                }
        }
}

/* Loading is what happens until the next program begins to be loaded. */
static void print_costs(double empty_ns) {
        qsort(programs, n_programs, sizeof(programs[0]), by_load);
        for (size_t i = 0; i < n_programs; i++) {
                printf("cost\t%s\t%s\t%s\t%u\t", programs[i].name, machine_name, kernel_name, programs[i].instructions);
                if (programs[i].ns == 0)
                        printf("-\tdid not run");
                else if (emulated)
                        printf("-\t%.0f ns", programs[i].ns);
                else
                        printf("%.1f\t%.0f ns", programs[i].ns / empty_ns, programs[i].ns);
                if (i + 1 < n_programs)
                        printf("\tloaded in %.1f ms", (programs[i + 1].load_ns - programs[i].load_ns) / 1e6);
                printf("\n");
        }
        printf("an empty program takes %.0f ns\n", empty_ns);
}

static void run_round(void) {
        begin_round();
        lab_run(all_calls, NULL);
        ck_assert_int_eq(lab.status, 0);
        end_round();
        lab_forget();
}

static unsigned count_slow(double empty_ns, bool say) {
        unsigned n = 0;

        for (size_t i = 0; i < n_programs; i++) {
                const struct record *record = recorded(programs[i].name);
                double times = programs[i].compared_ns / empty_ns;

                if (emulated || !record || record->times <= 0 || times <= (record->times + 1) * TIME_GROWTH ||
                    programs[i].compared_ns < FLOOR_NS)
                        continue;
                if (say)
                        printf("%s: %.0f ns, as long as %.1f empty programs, recorded are %.1f\n", programs[i].name,
                               programs[i].compared_ns, times, record->times);
                n++;
        }
        return n;
}

START_TEST(no_program_runs_longer_than_it_did) {
        struct program *empty = &programs[n_programs];
        int statistics, link_fd, round;

        link_fd = attach_empty(&empty->fd);
        ck_assert_int_ge(link_fd, 0);
        snprintf(empty->name, sizeof(empty->name), "(empty)");
        n_programs++;

        statistics = bpf_enable_stats(BPF_STATS_RUN_TIME);
        ck_assert_int_ge(statistics, 0);
        for (round = 0; round < ROUNDS || (round < MORE_ROUNDS && count_slow(empty->ns, false) > 0); round++)
                run_round();
        close(statistics);
        close(link_fd);
        close(empty->fd);
        n_programs--;
        ck_assert(empty->ns > 0);

        if (round > ROUNDS)
                printf("%d rounds\n", round);
        if (getenv("LAB_COSTS"))
                print_costs(empty->ns);
        ck_assert_uint_eq(count_slow(empty->ns, true), 0);
}
END_TEST

START_TEST(programs_are_found) {
        bool found = false;

        see_kernel();
        find_programs();
        for (size_t i = 0; i < n_programs; i++)
                found |= streq(programs[i].name, "on_exec");
        ck_assert(found);
}
END_TEST

int main(void) {
        const TTest *const tests[] = {
                programs_are_found,
                no_program_is_harder_to_verify_than_it_was,
                no_program_runs_longer_than_it_did,
        };
        struct interest interest = lab_interest(LAB_ALL_KINDS);

        return lab_main("bpf/cost", tests, ELEMENTSOF(tests), &interest, NULL);
}
