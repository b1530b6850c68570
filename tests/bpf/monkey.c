/* SPDX-License-Identifier: Apache-2.0 */
#include "monkey.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/prctl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/macro.h"

#include "call-numbers.h"
#include "ring.h"

#define PAGE 4096
#define NOBODY 65534

/* ---- what the calls take: a letter for each argument, explained in pick() ---- */

const char *const monkey_takes[_WIRE_CALL_MAX] = {
#define TAKES(id, letters) [WIRE_CALL_##id] = letters
        TAKES(execve, "pxx"),
        TAKES(execveat, "dpxxo"),
        TAKES(open, "poi"),
        TAKES(creat, "pi"),
        TAKES(openat, "dpoi"),
        TAKES(openat2, "dpxn"),
        TAKES(open_by_handle_at, "dxo"),
        TAKES(read, "fbn"),
        TAKES(readv, "fxc"),
        TAKES(pread64, "fbnn"),
        TAKES(preadv, "fxcnn"),
        TAKES(preadv2, "fxcnno"),
        TAKES(write, "fbn"),
        TAKES(writev, "fxc"),
        TAKES(pwrite64, "fbnn"),
        TAKES(pwritev, "fxcnn"),
        TAKES(pwritev2, "fxcnno"),
        TAKES(sendfile, "ffxn"),
        TAKES(splice, "fxfxno"),
        TAKES(tee, "ffno"),
        TAKES(vmsplice, "fxco"),
        TAKES(copy_file_range, "fxfxnz"),
        TAKES(close, "N"),
        TAKES(close_range, "NNz"),
        TAKES(dup, "f"),
        TAKES(dup2, "fN"),
        TAKES(dup3, "fNo"),
        TAKES(fcntl, "fFN"),
        TAKES(pidfd_getfd, "ffz"),
        TAKES(mmap, "znPMfn"),
        TAKES(mprotect, "VnP"),
        TAKES(pkey_mprotect, "VnPi"),
        TAKES(memfd_create, "po"),
        TAKES(unlink, "p"),
        TAKES(unlinkat, "dpo"),
        TAKES(rmdir, "p"),
        TAKES(rename, "pp"),
        TAKES(renameat, "dpdp"),
        TAKES(renameat2, "dpdpo"),
        TAKES(link, "pp"),
        TAKES(linkat, "dpdpo"),
        TAKES(symlink, "pp"),
        TAKES(symlinkat, "pdp"),
        TAKES(mkdir, "pi"),
        TAKES(mkdirat, "dpi"),
        TAKES(mknod, "pii"),
        TAKES(mknodat, "dpii"),
        TAKES(truncate, "pn"),
        TAKES(ftruncate, "fn"),
        TAKES(chmod, "pi"),
        TAKES(fchmod, "fi"),
        TAKES(fchmodat, "dpi"),
        TAKES(fchmodat2, "dpio"),
        TAKES(chown, "puu"),
        TAKES(lchown, "puu"),
        TAKES(fchown, "fuu"),
        TAKES(fchownat, "dpuuo"),
        TAKES(setxattr, "ppbnz"),
        TAKES(lsetxattr, "ppbnz"),
        TAKES(fsetxattr, "fpbnz"),
        TAKES(setxattrat, "dpopxn"),
        TAKES(removexattr, "pp"),
        TAKES(lremovexattr, "pp"),
        TAKES(fremovexattr, "fp"),
        TAKES(removexattrat, "dpop"),
        TAKES(utime, "px"),
        TAKES(utimes, "px"),
        TAKES(futimesat, "dpx"),
        TAKES(utimensat, "dpxo"),
        TAKES(socket, "ATi"),
        TAKES(socketpair, "ATzx"),
        TAKES(connect, "fxl"),
        TAKES(bind, "fxl"),
        TAKES(listen, "fi"),
        TAKES(accept, "fxx"),
        TAKES(accept4, "fxxo"),
        TAKES(sendto, "fbnoxl"),
        TAKES(sendmsg, "fxo"),
        TAKES(sendmmsg, "fxco"),
        TAKES(recvfrom, "fbnoxx"),
        TAKES(recvmsg, "fxo"),
        TAKES(recvmmsg, "fxcoz"),
        TAKES(setuid, "u"),
        TAKES(setreuid, "uu"),
        TAKES(setresuid, "uuu"),
        TAKES(setfsuid, "u"),
        TAKES(setgid, "u"),
        TAKES(setregid, "uu"),
        TAKES(setresgid, "uuu"),
        TAKES(setfsgid, "u"),
        TAKES(capset, "xx"),
        TAKES(setgroups, "nx"),
        TAKES(prctl, "Oxxxx"),
        TAKES(ptrace, "RKxx"),
        TAKES(process_vm_readv, "Kxcxcz"),
        TAKES(process_vm_writev, "Kxcxcz"),
        TAKES(kill, "KS"),
        TAKES(tkill, "KS"),
        TAKES(tgkill, "KKS"),
        TAKES(pidfd_send_signal, "fSxz"),
        TAKES(rt_sigqueueinfo, "KSx"),
        TAKES(rt_tgsigqueueinfo, "KKSx"),
        TAKES(mount, "pppox"),
        TAKES(move_mount, "dpdpo"),
        TAKES(fsmount, "foo"),
        TAKES(open_tree, "dpo"),
        TAKES(mount_setattr, "dpoxn"),
        TAKES(umount2, "po"),
        TAKES(pivot_root, "pp"),
        TAKES(chroot, "p"),
        TAKES(unshare, "U"),
        TAKES(setns, "fU"),
        TAKES(init_module, "bnp"),
        TAKES(finit_module, "fpo"),
        TAKES(delete_module, "po"),
        TAKES(bpf, "cxn"),
        TAKES(perf_event_open, "xKcfo"),
        TAKES(io_uring_setup, "cx"),
        TAKES(add_key, "ppbni"),
        TAKES(request_key, "ppzi"),
        TAKES(keyctl, "Yippp"),
        TAKES(quotactl, "ipix"),
        TAKES(quotactl_fd, "fiix"),
        TAKES(reboot, "iiix"),
        TAKES(kexec_load, "icxi"),
        TAKES(kexec_file_load, "ffnpi"),
        TAKES(clock_settime, "cx"),
        TAKES(settimeofday, "xx"),
        TAKES(adjtimex, "x"),
        TAKES(clock_adjtime, "cx"),
        TAKES(sethostname, "pn"),
        TAKES(setdomainname, "pn"),
        TAKES(swapon, "po"),
        TAKES(swapoff, "p"),
        TAKES(acct, "p"),
        TAKES(io_uring, "-"),           /* operate() */
};

#define SYS_io_uring (-1)

static const long numbers[_WIRE_CALL_MAX] = {
#define CALL(id, kind) [WIRE_CALL_##id] = SYS_##id,
#include "event/calls.def"
};

/* ---- its memory ---- */

static const char letters[] = MONKEY_LETTERS;

static struct {
        char *strings;                  /* 4 pages, then none */
        uint64_t *structs;              /* 2 pages, then none */
        char *buffers;                  /* 4 pages, then none: what the kernel writes goes here, too */
        char *constant;                 /* a page that cannot be written */
        char *beyond;                   /* a page of a file, behind its end */
        char *fresh, *fresh_end;        /* pages that nobody has touched */
        char *victim;                   /* 4 pages to be protected */
} memory;

#define STRING_BYTES ((size_t)4 * PAGE)
#define STRUCT_WORDS ((size_t)2 * PAGE / 8)
#define BUFFER_BYTES ((size_t)4 * PAGE)

struct monkey_diary *diary;

static uint64_t random_state[2];        /* the monkey's own; the other thread's */

static uint64_t any(int whose) {
        uint64_t *x = &random_state[whose];

        *x ^= *x << 13;
        *x ^= *x >> 7;
        *x ^= *x << 17;
        return *x * 0x2545f4914f6cdd1dULL >> 11;
}

#define ONE_OF(whose, ...)                                                                                             \
        ({                                                                                                             \
                const unsigned long _of[] = {__VA_ARGS__};                                                             \
                _of[any(whose) % ELEMENTSOF(_of)];                                                                     \
        })

static unsigned long pointer(const void *p) {
        return (unsigned long)(uintptr_t)p;
}

/* To nothing that is any good. */
static unsigned long bad_pointer(int whose) {
        return ONE_OF(whose, 0, 1, -1UL, -4096UL, 0xffffffff81000000, 0xffff888000000000, 0x0000800000000000,
                      pointer(memory.strings + STRING_BYTES), pointer(memory.beyond), pointer(memory.constant),
                      pointer(memory.constant + PAGE - 1));
}

static unsigned long fresh_pointer(void) {
        if (memory.fresh < memory.fresh_end)
                memory.fresh += PAGE;
        return pointer(memory.fresh - any(0) % 64);
}

static unsigned long any_length(int whose) {
        return ONE_OF(whose, 0, 1, 2, 7, 8, 15, 16, 24, 28, 55, 56, 64, 110, 128, 4095, 4096, 4097, 16384, 65536,
                      1 << 20, 0x7fffffff, 0x80000000, 0xffffffff, -1UL, -4096UL, any(whose) % 256);
}

/* A word of a structure, whatever that is read as: a pointer, a length, a family and a port, eight letters. */
static uint64_t any_word(int whose) {
        switch (any(whose) % 8) {
        case 0: return bad_pointer(whose);
        case 1: return pointer(memory.buffers + any(whose) % BUFFER_BYTES);
        case 2: return pointer(memory.structs + any(whose) % STRUCT_WORDS);
        case 3: return pointer(memory.strings + any(whose) % STRING_BYTES);
        case 4: return any_length(whose);
        case 5: return ONE_OF(whose, 1, 2, 10, 16) | any(whose) << 16;
        case 6: return 0x6162612f2e610001;
        default: return any(whose) % 4;
        }
}

static char any_letter(int whose) {
        return any(whose) % 16 == 0 ? 0 : letters[any(whose) % (sizeof(letters) - 1)];
}

/* Below 4 GiB where that can be asked for, so that 32-bit calls can point there, too. */
#ifndef MAP_32BIT
#define MAP_32BIT 0
#endif

static void *map(size_t bytes, int prot) {
        void *p = mmap(NULL, bytes, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_32BIT, -1, 0);

        if (p == MAP_FAILED)
                _exit(20);
        return p;
}

static void *map_before_nothing(size_t bytes) {
        char *p = map(bytes + PAGE, PROT_READ | PROT_WRITE);

        if (mprotect(p + bytes, PAGE, PROT_NONE) < 0)
                _exit(21);
        return p;
}

static void memory_make(void) {
        int fd = open("short", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

        memory.strings = map_before_nothing(STRING_BYTES);
        memory.structs = map_before_nothing(STRUCT_WORDS * 8);
        memory.buffers = map_before_nothing(BUFFER_BYTES);
        memory.constant = map_before_nothing(PAGE);
        memory.victim = map((size_t)4 * PAGE, PROT_READ);
        memory.fresh = map((size_t)64 << 20, PROT_READ | PROT_WRITE);
        memory.fresh_end = memory.fresh + ((size_t)64 << 20) - PAGE;
        memory.beyond = mmap(NULL, (size_t)2 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
        if (fd < 0 || memory.beyond == MAP_FAILED)
                _exit(22);
        close(fd);
        for (size_t i = 0; i < STRING_BYTES; i++)
                memory.strings[i] = any_letter(0);
        /* A name that is longer than any may be. */
        memset(memory.strings + PAGE, 'a', PAGE + 200);
        for (size_t i = 0; i < STRUCT_WORDS; i++)
                memory.structs[i] = any_word(0);
        memset(memory.buffers, 'b', BUFFER_BYTES);
        memset(memory.constant, 'a', PAGE);
        if (mprotect(memory.constant, PAGE, PROT_READ) < 0)
                _exit(23);
}

static volatile bool stop;

static void *rewrite(void *argument) {
        while (!stop) {
                memory.strings[any(1) % STRING_BYTES] = any_letter(1);
                memory.structs[any(1) % STRUCT_WORDS] = any_word(1);
                if (any(1) % 4096 == 0)
                        madvise(memory.strings + any(1) % 4 * PAGE, PAGE, MADV_DONTNEED);
        }
        return NULL;
}

/* ---- its descriptors: those that it plays with have the numbers from 3, in between are what it made ---- */

#define MASTER 200
#define N_TOYS 12
#define PLAY_FD (3 + N_TOYS)

static void toys_make(void) {
        int toys[N_TOYS], ends[2];

        toys[0] = open("file", O_RDWR | O_CREAT, 0600);
        toys[1] = open(".", O_RDONLY | O_DIRECTORY);
        toys[2] = pipe2(ends, O_NONBLOCK) < 0 ? -1 : ends[0];
        toys[3] = ends[1];
        toys[4] = socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, ends) < 0 ? -1 : ends[0];
        toys[5] = ends[1];
        toys[6] = socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) < 0 ? -1 : ends[0];
        toys[7] = ends[1];
        toys[8] = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
        toys[9] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        toys[10] = open("file", O_RDWR | O_APPEND);
        toys[11] = (int)syscall(SYS_pidfd_open, getpid(), 0);
        for (int i = 0; i < N_TOYS; i++)
                if (toys[i] < 0 || fcntl(toys[i], F_DUPFD_CLOEXEC, MASTER + i) != MASTER + i)
                        _exit(24);
}

/* ---- its calls ---- */

static void note(enum wire_call call, long result) {
        if (diary->n < ELEMENTSOF(diary->deeds))
                diary->deeds[diary->n++] = (struct monkey_deed){call, result < 0 ? -errno : result};
}

static void toys_renew(void) {
        note(WIRE_CALL_close_range, syscall(SYS_close_range, 3, MASTER - 1, 0));
        for (int i = 0; i < N_TOYS; i++)
                note(WIRE_CALL_dup3, syscall(SYS_dup3, MASTER + i, 3 + i, 0));
}

static unsigned long pick(char letter) {
        switch (letter) {
        case 'p':                       /* a string */
                switch (any(0) % 8) {
                case 0: return bad_pointer(0);
                case 1: return fresh_pointer();
                case 2: return pointer(memory.strings + STRING_BYTES - 1 - any(0) % 16);
                default: return pointer(memory.strings + any(0) % STRING_BYTES);
                }
        case 'b':                       /* bytes */
                switch (any(0) % 8) {
                case 0: return bad_pointer(0);
                case 1: return pointer(memory.buffers + BUFFER_BYTES - any(0) % 16);
                default: return pointer(memory.buffers + any(0) % BUFFER_BYTES);
                }
        case 'x':                       /* a structure */
                switch (any(0) % 8) {
                case 0: return bad_pointer(0);
                case 1: return 0;
                case 2: return pointer(memory.structs) + STRUCT_WORDS * 8 - any(0) % 64;
                default: return pointer(memory.structs + any(0) % STRUCT_WORDS);
                }
        case 'n': return any_length(0);
        case 'c': return ONE_OF(0, 0, 1, 2, 3, 8, 40, 1023, 1024, 1025, 0xffffffff, -1UL);
        case 'l': return ONE_OF(0, 0, 1, 2, 3, 8, 16, 28, 110, 128, 129, 0xffffffff);
        case 'f': return any(0) % 8 == 0 ? ONE_OF(0, 63, -1UL, 0x7fffffff, -100UL) : 3 + any(0) % N_TOYS;
        case 'd': return ONE_OF(0, -100UL, -100UL, 4, 3, -1UL);
        case 'N': return PLAY_FD + any(0) % 32;
        case 'F': return ONE_OF(0, F_DUPFD, F_DUPFD_CLOEXEC);
        case 'o': return ONE_OF(0, 0, 0, 1, 2, 4, 0x40, 0x42, 0x200, 0x241, 0x1000, 0x80000, 0x200000, any(0) & 0xfff);
        case 'i': return ONE_OF(0, 0, 1, 0600, 0100600, 010600, 0x7fffffff, 0xffffffff, any(0));
        case 'u': return ONE_OF(0, -1UL, NOBODY, 0, 1000);
        case 'P': return ONE_OF(0, PROT_READ, PROT_NONE, PROT_READ | PROT_EXEC, 7, 0x1000000, any(0));
        case 'M': return ONE_OF(0, MAP_PRIVATE | MAP_ANONYMOUS, MAP_PRIVATE, MAP_SHARED, 0);
        case 'V': return ONE_OF(0, pointer(memory.victim), pointer(memory.victim + 1), 0, 0xffffffff81000000);
        case 'A': return ONE_OF(0, AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, 99);
        case 'T': return ONE_OF(0, SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, 99) | SOCK_NONBLOCK;
        case 'K': return ONE_OF(0, getpid(), getpid(), 0, 99999, -5UL);
        case 'S': return ONE_OF(0, 0, SIGURG, SIGCHLD, 65, -1UL);
        case 'O': return ONE_OF(0, PR_SET_NAME, PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS, 9999);
        case 'R': return ONE_OF(0, 1, 2, 4, 7, 16, 0x4206, 9999);
        case 'U': return ONE_OF(0, 0, CLONE_FS, CLONE_NEWUTS, CLONE_NEWNET, 1);
        case 'Y': return ONE_OF(0, 1, 3, 10, 9999);
        default: return 0;              /* z */
        }
}

static void call_once(void) {
        enum wire_call call = 1 + any(0) % (_WIRE_CALL_MAX - 1);
        const char *letter = monkey_takes[call];
        unsigned long args[6] = {};
        long result;

        for (int i = 0; *letter; i++, letter++)
                args[i] = pick(*letter);
        if (numbers[call] < 0)
                return;
        result = syscall(numbers[call], args[0], args[1], args[2], args[3], args[4], args[5]);
        note(call, result);
        if (call == WIRE_CALL_mmap && result > 0)
                munmap((void *)(uintptr_t)result, args[1]);
}

/* The same of io_uring: operations of the kinds that are watched. */
static void operate(struct ring *ring) {
        ring_submit(ring, (struct io_uring_sqe){
                .opcode = ONE_OF(0, IORING_OP_OPENAT, IORING_OP_OPENAT2, IORING_OP_UNLINKAT, IORING_OP_RENAMEAT,
                                 IORING_OP_MKDIRAT, IORING_OP_LINKAT, IORING_OP_SYMLINKAT, IORING_OP_READ,
                                 IORING_OP_READV, IORING_OP_WRITE, IORING_OP_WRITEV, IORING_OP_SEND, IORING_OP_SENDMSG,
                                 IORING_OP_RECV, IORING_OP_RECVMSG, IORING_OP_CONNECT, IORING_OP_SOCKET,
                                 IORING_OP_SPLICE, IORING_OP_NOP, 250),
                .flags = any(0) % 8 == 0 ? any(0) & (IOSQE_ASYNC | IOSQE_CQE_SKIP_SUCCESS | IOSQE_FIXED_FILE) : 0,
                .fd = (int)pick('f'),
                .off = ONE_OF(0, pick('p'), pick('n'), pick('x')),
                .addr = ONE_OF(0, pick('p'), pick('b'), pick('x')),
                .len = (uint32_t)pick('n'),
                .open_flags = (uint32_t)pick('o'),
        });
}

/* And of the 32-bit table, which has no hooks of its own. */
#if defined(__x86_64__)
static const struct {
        uint8_t number;
        const char *takes;
} narrow_calls[] = {
        {3, "fbn"}, {4, "fbn"}, {5, "poi"}, {9, "pp"}, {10, "p"}, {15, "pi"}, {21, "pppox"}, {30, "px"}, {38, "pp"},
        {39, "pi"}, {83, "pp"}, {90, "x"}, {92, "pn"}, {102, "cx"}, {145, "fxc"}, {146, "fxc"}, {180, "fbnnn"},
        {182, "puu"}, {193, "pnn"}, {226, "ppbnz"},
};

static void call_narrow(void) {
        size_t i = any(0) % ELEMENTSOF(narrow_calls);
        unsigned long args[5] = {};
        long result;

        for (size_t k = 0; narrow_calls[i].takes[k]; k++)
                args[k] = (uint32_t)pick(narrow_calls[i].takes[k]);
        __asm__ volatile("int $0x80"
                         : "=a"(result)
                         : "a"((long)narrow_calls[i].number), "b"(args[0]), "c"(args[1]), "d"(args[2]), "S"(args[3]),
                           "D"(args[4])
                         : "memory", "r8", "r9", "r10", "r11");
}

/* Not where the kernel was built without: it ends who tries. */
static bool has_narrow_calls(void) {
        int status;
        pid_t pid = fork();

        if (pid == 0) {
                long result;

                __asm__ volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory", "r8", "r9", "r10", "r11");
                _exit((int)result != getpid());
        }
        return waitpid(pid, &status, 0) == pid && status == 0;
}
#else
static void call_narrow(void) {
}

static bool has_narrow_calls(void) {
        return false;
}
#endif

static void on_alarm(int signal) {
        static unsigned n;

        /* A call that comes back at every tick and is made again by the kernel: nothing here does. */
        diary->overdue = ++n > 12000;
}

int monkey(uint64_t seed, long n_calls) {
        const struct itimerval ticking = {{0, 10000}, {0, 10000}};
        const struct rlimit files = {(rlim_t)1 << 20, (rlim_t)1 << 20},
                            memory_limit = {(rlim_t)1 << 30, (rlim_t)1 << 30};
        struct sigaction action = {.sa_handler = on_alarm};
        pthread_t thread;
        struct ring ring;
        bool has_ring, has_narrow = has_narrow_calls();

        random_state[0] = seed * 0x9e3779b97f4a7c15ULL | 1;
        random_state[1] = ~random_state[0] | 1;
        (void)syscall(SYS_close_range, 3, ~0U, 0);      /* the programs' */
        /* Where there is none ring_make() would end the process. */
        has_ring = syscall(SYS_io_uring_setup, 0, NULL) < 0 && errno != ENOSYS && errno != EPERM;
        if (has_ring) {
                ring_make(&ring);
                if (fcntl(ring.fd, F_DUPFD_CLOEXEC, MASTER + N_TOYS) != MASTER + N_TOYS)
                        return 1;
                ring.fd = MASTER + N_TOYS;
        }
        toys_make();
        memory_make();
        if (chroot(".") < 0 || setrlimit(RLIMIT_FSIZE, &files) < 0 || setrlimit(RLIMIT_AS, &memory_limit) < 0 ||
            syscall(SYS_setgroups, 0, NULL) < 0 || syscall(SYS_setresgid, NOBODY, NOBODY, NOBODY) < 0 ||
            syscall(SYS_setresuid, NOBODY, NOBODY, NOBODY) < 0)
                return 2;
        signal(SIGPIPE, SIG_IGN);
        signal(SIGXFSZ, SIG_IGN);
        sigaction(SIGALRM, &action, NULL);
        setitimer(ITIMER_REAL, &ticking, NULL);
        if (pthread_create(&thread, NULL, rewrite, NULL) != 0)
                return 3;
        diary->n = 0;
        prctl(PR_SET_NAME, MONKEY_MARK);
        for (long i = 0; i < n_calls && !diary->overdue; i++) {
                if (i % 64 == 0)
                        toys_renew();
                if (has_ring && any(0) % 16 == 0)
                        operate(&ring);
                else if (has_narrow && any(0) % 16 == 0)
                        call_narrow();
                else
                        call_once();
        }
        stop = true;
        pthread_join(thread, NULL);
        return diary->overdue ? 4 : 0;
}
