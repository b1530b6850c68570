/* SPDX-License-Identifier: Apache-2.0 */
/* Every call of daemon/event/calls.def, made once: it is told as itself, as the kind that the list says, with its
 * result. A call that is added to the list needs a line here, or this file does not compile. What could do harm is done
 * by nobody (the user), in a way that must fail, in namespaces of its own; what the fields say is tested elsewhere. */
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <linux/openat2.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/quota.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/uio.h>
#include <sys/un.h>

#include "base/macro.h"

#include "call-numbers.h"
#include "lab.h"
#include "ring.h"

/* ---- what the calls are made with; inherited from the test, whose own calls are not told ---- */

static struct world {
        int file, null, tree;           /* `tree`: the directory */
        int full[2], other[2];          /* pipes; a byte waits in the first */
        int pair[2];                    /* unix datagrams; one waits in the second */
        int listener;                   /* nobody comes */
        int uts;                        /* the namespace */
        long *result;                   /* shared with the action */
} world;

static char *const none[] = {NULL};
static char byte[16];
static struct iovec vector = {byte, 1};
static struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
static struct mmsghdr messages = {.msg_hdr = {.msg_iov = &vector, .msg_iovlen = 1}};
static const struct open_how how = {};
static unsigned handle[32];             /* of no bytes: refused */
static loff_t zero_offset[2];
static const struct sockaddr_un nowhere = {AF_UNIX, "nowhere"};
static const struct {
        uint64_t value;
        uint32_t size, flags;
} attribute = {.size = 1};
static struct __user_cap_header_struct cap_header = {.version = _LINUX_CAPABILITY_VERSION_3};
static struct __user_cap_data_struct caps[2] = {{.effective = ~0U}};   /* not permitted: refused */
static siginfo_t information;
static uint64_t attributes[4];
static unsigned ring_params[30];
static union bpf_attr bpf_request;
static struct perf_event_attr perf;
static struct timespec wrong_time = {.tv_nsec = -1};
static struct timeval wrong_time_of_day = {.tv_usec = -1};
static struct timex adjustment = {.modes = ADJ_MAXERROR};

static int some_socket(void) {
        return (int)syscall(SYS_socket, AF_UNIX, SOCK_DGRAM, 0);
}

static int our_pidfd(void) {
        return (int)syscall(SYS_pidfd_open, getpid(), 0);
}

static void *page(void) {
        return mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static siginfo_t *our_information(void) {
        information.si_code = SI_QUEUE;
        return &information;
}

/* From here on refused what could do harm. */
static int nobody(void) {
        return syscall(SYS_setresuid, 65534, 65534, 65534) < 0 ? -1 : 0;
}

/* ---- the calls ---- */

static long say(long result) {
        return result < 0 ? -errno : result;
}

#define MADE(id, number, ...)                                                                                          \
        static long make_##id(void) {                                                                                  \
                return say(syscall(number, __VA_ARGS__));                                                              \
        }
#define MAKE(id, ...) MADE(id, SYS_##id, __VA_ARGS__)
#define REFUSED(id, ...)                                                                                               \
        static long make_##id(void) {                                                                                  \
                return nobody() < 0 ? -ECHILD : say(syscall(SYS_##id, __VA_ARGS__));                                   \
        }

MAKE(execve, "nowhere", none, none)
MAKE(execveat, world.tree, "nowhere", none, none, 0)

MAKE(open, "here", O_RDONLY, 0)
MAKE(creat, "made by creat", 0600)
MAKE(openat, world.tree, "here", O_RDONLY, 0)
MAKE(openat2, world.tree, "here", &how, sizeof(how))
MAKE(open_by_handle_at, world.tree, handle, O_RDONLY)

MAKE(read, world.file, byte, 1)
MAKE(readv, world.file, &vector, 1)
MAKE(pread64, world.file, byte, 1, 0)
MAKE(preadv, world.file, &vector, 1, 0, 0)
MAKE(preadv2, world.file, &vector, 1, 0, 0, 0)

MAKE(write, world.null, byte, 1)
MAKE(writev, world.null, &vector, 1)
MAKE(pwrite64, world.file, byte, 1, 0)
MAKE(pwritev, world.file, &vector, 1, 0, 0)
MAKE(pwritev2, world.file, &vector, 1, 0, 0, 0)

MAKE(sendfile, world.null, world.file, zero_offset, 1)
MAKE(splice, world.full[0], NULL, world.null, NULL, 1, 0)
MAKE(tee, world.full[0], world.other[1], 1, 0)
MAKE(vmsplice, world.other[1], &vector, 1, 0)
MAKE(copy_file_range, world.file, &zero_offset[0], world.file, &zero_offset[1], 0, 0)

MAKE(close, world.null)
MAKE(close_range, world.null, world.null, 0)
MAKE(dup, world.file)
MAKE(dup2, world.file, 99)
MAKE(dup3, world.file, 99, 0)
MAKE(fcntl, world.file, F_DUPFD, 99)
MAKE(pidfd_getfd, our_pidfd(), world.file, 0)

MAKE(mmap, NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, world.file, 0)
MAKE(mprotect, page(), 4096, PROT_READ | PROT_EXEC)
MAKE(pkey_mprotect, page(), 4096, PROT_READ | PROT_EXEC, -1)
MAKE(memfd_create, "calls", 0)

MAKE(unlink, "nowhere")
MAKE(unlinkat, world.tree, "nowhere", 0)
MAKE(rmdir, "nowhere")
MAKE(rename, "nowhere", "elsewhere")
MAKE(renameat, world.tree, "nowhere", world.tree, "elsewhere")
MAKE(renameat2, world.tree, "nowhere", world.tree, "elsewhere", 0)
MAKE(link, "here", "made by link")
MAKE(linkat, world.tree, "here", world.tree, "made by linkat", 0)
MAKE(symlink, "here", "made by symlink")
MAKE(symlinkat, "here", world.tree, "made by symlinkat")

MAKE(mkdir, "made by mkdir", 0700)
MAKE(mkdirat, world.tree, "made by mkdirat", 0700)
MAKE(mknod, "made by mknod", S_IFIFO | 0600, 0)
MAKE(mknodat, world.tree, "made by mknodat", S_IFIFO | 0600, 0)
MAKE(truncate, "here", 4)
MAKE(ftruncate, world.file, 4)

MAKE(chmod, "here", 0640)
MAKE(fchmod, world.file, 0640)
MAKE(fchmodat, world.tree, "here", 0640)
MAKE(fchmodat2, world.tree, "here", 0640, 0)
MAKE(chown, "here", 1, 1)
MAKE(lchown, "here", 1, 1)
MAKE(fchown, world.file, 1, 1)
MAKE(fchownat, world.tree, "here", 1, 1, 0)

MAKE(setxattr, "here", "user.one", "1", 1, 0)
MAKE(lsetxattr, "here", "user.one", "1", 1, 0)
MAKE(fsetxattr, world.file, "user.one", "1", 1, 0)
MAKE(setxattrat, world.tree, "here", 0, "user.one", &attribute, sizeof(attribute))
MAKE(removexattr, "here", "user.none")
MAKE(lremovexattr, "here", "user.none")
MAKE(fremovexattr, world.file, "user.none")
MAKE(removexattrat, world.tree, "here", 0, "user.none")

MAKE(utime, "here", NULL)
MAKE(utimes, "here", NULL)
MAKE(futimesat, world.tree, "here", NULL)
MAKE(utimensat, world.tree, "here", NULL, 0)

MAKE(socket, AF_UNIX, SOCK_DGRAM, 0)
MAKE(socketpair, AF_UNIX, SOCK_DGRAM, 0, byte)
MAKE(connect, some_socket(), &nowhere, sizeof(nowhere))
MAKE(bind, some_socket(), &nowhere, sizeof(sa_family_t))        /* to a name that the kernel finds */
MAKE(listen, world.listener, 1)
MAKE(accept, world.listener, NULL, NULL)
MAKE(accept4, world.listener, NULL, NULL, SOCK_CLOEXEC)

MAKE(sendto, world.pair[0], byte, 1, MSG_DONTWAIT, NULL, 0)
MAKE(sendmsg, world.pair[0], &message, MSG_DONTWAIT)
MAKE(sendmmsg, world.pair[0], &messages, 1, MSG_DONTWAIT)
MAKE(recvfrom, world.pair[1], byte, 1, MSG_DONTWAIT, NULL, NULL)
MAKE(recvmsg, world.pair[1], &message, MSG_DONTWAIT)
MAKE(recvmmsg, world.pair[1], &messages, 1, MSG_DONTWAIT, NULL)

MAKE(setuid, 0)
MAKE(setreuid, -1, -1)
MAKE(setresuid, -1, -1, -1)
MAKE(setfsuid, 0)
MAKE(setgid, 0)
MAKE(setregid, -1, -1)
MAKE(setresgid, -1, -1, -1)
MAKE(setfsgid, 0)
REFUSED(capset, &cap_header, caps)
MAKE(setgroups, 0, NULL)
MAKE(prctl, PR_SET_NAME, "calls", 0, 0, 0)

MAKE(ptrace, PTRACE_TRACEME, 0, NULL, NULL)
MAKE(process_vm_readv, getpid(), &vector, 1, &vector, 1, 0)
MAKE(process_vm_writev, getpid(), &vector, 1, &vector, 1, 0)

MAKE(kill, getpid(), 0)
MAKE(tkill, getpid(), 0)
MAKE(tgkill, getpid(), getpid(), 0)
MAKE(pidfd_send_signal, our_pidfd(), 0, NULL, 0)
MAKE(rt_sigqueueinfo, getpid(), 0, our_information())
MAKE(rt_tgsigqueueinfo, getpid(), getpid(), 0, our_information())

MAKE(mount, "calls", "made by mount", "tmpfs", 0, NULL)
MAKE(move_mount, world.tree, "nowhere", world.tree, "elsewhere", 0)
MAKE(fsmount, world.null, 0, 0)
MAKE(open_tree, world.tree, "nowhere", 0)
MAKE(mount_setattr, world.tree, "nowhere", 0, attributes, sizeof(attributes))
MADE(umount2, SYS_umount2, "nowhere", 0)
MAKE(pivot_root, "nowhere", "elsewhere")
MAKE(chroot, "/")
MAKE(unshare, CLONE_NEWUTS)
MAKE(setns, world.uts, CLONE_NEWUTS)

REFUSED(init_module, byte, 1, "a=b")
REFUSED(finit_module, world.null, "a=b", 0)
REFUSED(delete_module, "nothing", O_NONBLOCK)
REFUSED(bpf, BPF_MAP_CREATE, &bpf_request, sizeof(bpf_request))
REFUSED(perf_event_open, &perf, -1, 0, -1, 0)
MAKE(io_uring_setup, 1, ring_params)

MAKE(add_key, "user", "calls", byte, 1, KEY_SPEC_PROCESS_KEYRING)
MAKE(request_key, "user", "there is none", NULL, KEY_SPEC_PROCESS_KEYRING)
MAKE(keyctl, KEYCTL_REVOKE, 12345, 0, 0, 0)
REFUSED(quotactl, QCMD(Q_SYNC, USRQUOTA), "nowhere", 0, NULL)
REFUSED(quotactl_fd, -1, QCMD(Q_SYNC, USRQUOTA), 0, NULL)
REFUSED(reboot, 1, 2, 3, NULL)          /* nor would these be the words for it */
REFUSED(kexec_load, 0, 0, NULL, 0)
REFUSED(kexec_file_load, world.null, world.null, 1, "", 0)

REFUSED(clock_settime, CLOCK_REALTIME, &wrong_time)
REFUSED(settimeofday, &wrong_time_of_day, NULL)
REFUSED(adjtimex, &adjustment)
REFUSED(clock_adjtime, CLOCK_REALTIME, &adjustment)
MAKE(sethostname, "calls", 5)
MAKE(setdomainname, "calls", 5)
REFUSED(swapon, "nowhere", 0)
REFUSED(swapoff, "nowhere")
REFUSED(acct, "nowhere")

static long make_io_uring(void) {
        struct ring ring;

        ring_make(&ring);
        return ring_do(&ring, (struct io_uring_sqe){.opcode = IORING_OP_NOP});
}

/* ---- the list ---- */

static const struct {
        const char *name;
        enum wire_call call;
        enum wire_kind kind;
        long (*make)(void);
} list[] = {
#define CALL(id, kind) {#id, WIRE_CALL_##id, WIRE_KIND_##kind, make_##id},
#include "event/calls.def"
};

/* Which calls have a hook. */
static bool has_hook(const char *name) {
        static const char *const hooked[] = {
#define HOOK(program, kind, use, place, call) #call,
#include "capture/hook-table.def"
        };

        for (size_t i = 0; i < ELEMENTSOF(hooked); i++)
                if (streq(hooked[i], name))
                        return true;
        return false;
}

static int make_one(void *argument) {
        long (*const *make)(void) = argument;

        if (unshare(CLONE_NEWNS | CLONE_NEWUTS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
            chdir(lab.directory) < 0)
                return 1;
        *world.result = (*make)();
        return *world.result == -ECHILD;
}

static void world_make(void) {
        struct sockaddr_un to = {.sun_family = AF_UNIX};

        lab_write_file(lab_path("here"), "here", 0644);
        ck_assert_int_eq(mkdir(lab_path("made by mount"), 0700), 0);
        world.file = open(lab_path("here"), O_RDWR);
        world.null = open("/dev/null", O_RDWR);
        world.tree = open(lab.directory, O_RDONLY | O_DIRECTORY);
        world.uts = open("/proc/self/ns/uts", O_RDONLY);
        world.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
        world.result = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        ck_assert(world.file >= 0 && world.null >= 0 && world.tree >= 0 && world.uts >= 0 &&
                  world.result != MAP_FAILED && pipe(world.full) == 0 && pipe(world.other) == 0 &&
                  socketpair(AF_UNIX, SOCK_DGRAM, 0, world.pair) == 0 &&
                  bind(world.listener, (void *)&to, sizeof(sa_family_t)) == 0 && listen(world.listener, 1) == 0);
}

/* As it was, whatever the last call took from it. */
static void world_renew(void) {
        char bytes[64];

        ck_assert(fcntl(world.pair[1], F_SETFL, O_NONBLOCK) == 0 && fcntl(world.full[0], F_SETFL, O_NONBLOCK) == 0);
        while (read(world.pair[1], bytes, sizeof(bytes)) > 0)
                ;
        while (read(world.full[0], bytes, sizeof(bytes)) > 0)
                ;
        ck_assert(write(world.pair[0], "x", 1) == 1 && write(world.full[1], "x", 1) == 1 &&
                  lseek(world.file, 0, SEEK_SET) == 0);
}

/* The last one: getting ready takes calls, too. */
static const struct wire_header *find_call(pid_t pid, enum wire_call call, enum wire_kind kind) {
        for (size_t i = lab.n; i > 0; i--)
                if (lab.records[i - 1]->tgid == (uint32_t)pid && lab.records[i - 1]->call == call &&
                    lab.records[i - 1]->kind == kind)
                        return lab.records[i - 1];
        return NULL;
}

START_TEST(every_call_of_the_list_is_told_as_itself_with_its_result) {
        char absent[1024] = "", unhooked[1024] = "";
        size_t n_told = 0;

        world_make();
        for (size_t i = 0; i < ELEMENTSOF(list); i++) {
                bool is_told = has_hook(list[i].name);
                const struct wire_header *record;
                pid_t pid;

                world_renew();
                pid = lab_run(make_one, (void *)&list[i].make);
                if (*world.result == -ENOSYS || (list[i].call == WIRE_CALL_io_uring && WEXITSTATUS(lab.status) == 77)) {
                        snprintf(absent + strlen(absent), sizeof(absent) - strlen(absent), " %s", list[i].name);
                        continue;
                }
                ck_assert_msg(lab.status == 0, "%s: status %x", list[i].name, lab.status);
                record = find_call(pid, list[i].call, list[i].kind);
                if (!is_told)
                        snprintf(unhooked + strlen(unhooked), sizeof(unhooked) - strlen(unhooked), " %s", list[i].name);
                ck_assert_msg((record != NULL) == is_told, "%s (%ld): %s", list[i].name, *world.result,
                              is_told ? "not told" : "told, but by which hook?");
                if (!record)
                        continue;
                ck_assert_msg(record->result == *world.result, "%s: told with %lld, was %ld", list[i].name,
                              (long long)record->result, *world.result);
                ck_assert_msg(!!(record->flags & WIRE_FAILED) == (*world.result < 0), "%s: flags %x", list[i].name,
                              record->flags);
                n_told++;
                lab_forget();
        }
        printf("%zu of %zu calls are told; not on this kernel:%s; no hook yet:%s\n", n_told, ELEMENTSOF(list), absent,
               unhooked);
}
END_TEST

int main(void) {
        const TTest *const tests[] = {every_call_of_the_list_is_told_as_itself_with_its_result};
        struct interest interest = lab_interest(lab_all_kinds() | wire_kind_bit(WIRE_KIND_execve));

        return lab_main("bpf/calls", tests, ELEMENTSOF(tests), &interest, NULL);
}
