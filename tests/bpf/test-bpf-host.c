/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts, namespaces and the doors to the kernel: where a call could do harm it is made by somebody who may not, or in
 * namespaces of its own. */
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <linux/keyctl.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/quota.h>
#include <sys/reboot.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "base/macro.h"

#include "lab.h"

#define F(kind, id) WIRE_FIELD_##kind##_##id
#define B(kind) wire_kind_bit(WIRE_KIND_##kind)

static int64_t namespace_of(pid_t pid, const char *name) {
        char path[64];
        struct stat st;

        snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, name);
        ck_assert_int_eq(stat(path, &st), 0);
        return st.st_ino;
}

/* ---- mounts ---- */

static int mount_things(void *argument) {
        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
            chdir(lab.directory) < 0 || mkdir("m", 0755) < 0)
                return 1;
        if (mount("things", "m", "tmpfs", MS_NOSUID, "size=64k") < 0 || umount2("m", MNT_DETACH) < 0)
                return 2;
        if (mount("things", "nowhere", "tmpfs", 0, NULL) == 0 || umount2("nowhere", 0) == 0)
                return 3;
        if (chroot("nowhere") == 0 || chroot("m") < 0)
                return 4;
        return 0;
}

START_TEST(mounts_tell_source_target_and_type) {
        pid_t pid = lab_run(mount_things, NULL);
        const struct wire_header *record;

        ck_assert_int_eq(lab.status, 0);
        ck_assert_uint_eq(lab_count(WIRE_KIND_mount, pid), 3);
        record = lab_find(WIRE_KIND_mount, pid, 1);
        ck_assert_int_eq(record->result, 0);
        ck_assert_int_eq(record->call, WIRE_CALL_mount);
        ck_assert_str_eq(lab_text(record, F(mount, source)), "things");
        ck_assert_str_eq(lab_text(record, F(mount, target)), lab_path("m"));
        ck_assert_str_eq(lab_text(record, F(mount, given)), "m");
        ck_assert_str_eq(lab_text(record, F(mount, type)), "tmpfs");
        ck_assert_int_eq(lab_number(record, F(mount, flags)), MS_NOSUID);
        record = lab_find(WIRE_KIND_mount, pid, 2);
        ck_assert_int_eq(record->result, -ENOENT);
        ck_assert_str_eq(lab_text(record, F(mount, target)), lab_path("nowhere"));

        record = lab_find(WIRE_KIND_umount, pid, 0);
        ck_assert_int_eq(record->result, 0);
        ck_assert_str_eq(lab_text(record, F(umount, target)), lab_path("m"));
        ck_assert_int_eq(lab_number(record, F(umount, flags)), MNT_DETACH);
        ck_assert_int_lt(lab_find(WIRE_KIND_umount, pid, 1)->result, 0);

        record = lab_find(WIRE_KIND_chroot, pid, 0);
        ck_assert_int_eq(record->result, -ENOENT);
        ck_assert_str_eq(lab_text(record, F(chroot, pathname)), lab_path("nowhere"));
        record = lab_find(WIRE_KIND_chroot, pid, 1);
        ck_assert_str_eq(lab_text(record, F(chroot, pathname)), lab_path("m"));
        ck_assert_str_eq(lab_text(record, F(chroot, given)), "m");
        ck_assert(!(record->user & WIRE_BIT(chroot, pathname)));
}
END_TEST

/* The calls that make a mount in steps, then a root of it. */
static int mount_in_steps(void *argument) {
        struct mount_attr attr = {.attr_set = MOUNT_ATTR_NOEXEC};
        int context, fd, tree;

        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
            chdir(lab.directory) < 0 || mkdir("steps", 0755) < 0 || mkdir("again", 0755) < 0)
                return 1;
        context = (int)syscall(SYS_fsopen, "tmpfs", 0);
        if (context < 0 || syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, "source", "stepwise", 0) < 0 ||
            syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
                return 2;
        fd = (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID);
        if (fd < 0 || syscall(SYS_move_mount, fd, "", AT_FDCWD, "steps", MOVE_MOUNT_F_EMPTY_PATH) < 0)
                return 3;
        if (syscall(SYS_mount_setattr, AT_FDCWD, "steps", 0, &attr, sizeof(attr)) < 0)
                return 4;
        tree = (int)syscall(SYS_open_tree, AT_FDCWD, "steps", OPEN_TREE_CLONE);
        if (tree < 0 || syscall(SYS_move_mount, tree, "", AT_FDCWD, "again", MOVE_MOUNT_F_EMPTY_PATH) < 0)
                return 5;
        if (mkdir("again/old", 0755) < 0 || chdir("again") < 0 || syscall(SYS_pivot_root, ".", "old") < 0)
                return 6;
        return umount2("/old", MNT_DETACH) < 0 ? 7 : 0;
}

START_TEST(a_mount_that_is_made_in_steps_is_told_step_by_step) {
        pid_t pid = lab_run(mount_in_steps, NULL);
        const struct wire_header *record;

        ck_assert_int_eq(lab.status, 0);
        record = lab_find(WIRE_KIND_mount, pid, 1);     /* the first makes the namespace private */
        ck_assert_int_eq(record->call, WIRE_CALL_fsmount);
        ck_assert_int_eq(lab_number(record, F(mount, fd)), record->result);
        ck_assert_str_eq(lab_text(record, F(mount, source)), "stepwise");
        ck_assert_str_eq(lab_text(record, F(mount, type)), "tmpfs");
        ck_assert_int_eq(lab_number(record, F(mount, flags)), MOUNT_ATTR_NOSUID);
        ck_assert(!(record->user & (WIRE_BIT(mount, source) | WIRE_BIT(mount, type))));
        record = lab_find(WIRE_KIND_mount, pid, 2);
        ck_assert_int_eq(record->call, WIRE_CALL_move_mount);
        ck_assert_str_eq(lab_text(record, F(mount, target)), lab_path("steps"));
        ck_assert_str_eq(lab_text(record, F(mount, given)), "steps");
        ck_assert_int_eq(lab_number(record, F(mount, flags)), MOVE_MOUNT_F_EMPTY_PATH);
        record = lab_find(WIRE_KIND_mount, pid, 3);
        ck_assert_int_eq(record->call, WIRE_CALL_mount_setattr);
        ck_assert_str_eq(lab_text(record, F(mount, target)), lab_path("steps"));
        record = lab_find(WIRE_KIND_mount, pid, 4);
        ck_assert_int_eq(record->call, WIRE_CALL_open_tree);
        ck_assert_int_eq(lab_number(record, F(mount, fd)), record->result);
        ck_assert_str_eq(lab_text(record, F(mount, source)), "steps");
        ck_assert_str_eq(lab_text(record, F(mount, type)), "tmpfs");
        ck_assert_str_eq(lab_text(lab_find(WIRE_KIND_mount, pid, 5), F(mount, target)), lab_path("again"));

        record = lab_find(WIRE_KIND_pivot_root, pid, 0);
        ck_assert_int_eq(record->result, 0);
        ck_assert_str_eq(lab_text(record, F(pivot_root, given)), ".");
        ck_assert_str_eq(lab_text(record, F(pivot_root, newgiven)), "old");
        ck_assert_int_eq(lab_find(WIRE_KIND_umount, pid, 0)->result, 0);
        ck_assert_str_eq(lab_text(lab_find(WIRE_KIND_umount, pid, 0), F(umount, given)), "/old");
}
END_TEST

/* ---- namespaces ---- */

static int leave_and_return(void *argument) {
        int fd = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC), status;
        pid_t pid;

        if (unshare(CLONE_NEWUTS | CLONE_NEWPID) < 0 || sethostname("elsewhere", 9) < 0 ||
            setdomainname("domain", 6) < 0)
                return 1;
        pid = fork();
        if (pid == 0) {
                execl("/bin/true", "true", NULL);
                _exit(127);
        }
        if (waitpid(pid, &status, 0) != pid || status != 0)
                return 2;
        if (setns(fd, CLONE_NEWUTS) < 0)
                return 3;
        return setns(0, CLONE_NEWNET) < 0 ? 0 : 4;
}

START_TEST(namespaces_are_told_before_and_after) {
        pid_t pid = lab_run(leave_and_return, NULL);
        const struct wire_header *left = lab_find(WIRE_KIND_unshare, pid, 0), *back = lab_find(WIRE_KIND_setns, pid, 0);
        const struct wire_header *fork = lab_find(WIRE_KIND_fork, pid, 0), *exec;

        ck_assert_int_eq(lab.status, 0);
        ck_assert_int_eq(lab_number(left, F(unshare, flags)), CLONE_NEWUTS | CLONE_NEWPID);
        ck_assert_int_eq(lab_number(left, F(unshare, old_ns_uts)), namespace_of(getpid(), "uts"));
        ck_assert_int_eq(lab_number(left, F(unshare, old_ns_pid)), namespace_of(getpid(), "pid"));
        ck_assert_int_ne(lab_number(left, F(unshare, ns_uts)), lab_number(left, F(unshare, old_ns_uts)));
        ck_assert_int_ne(lab_number(left, F(unshare, ns_pid)), lab_number(left, F(unshare, old_ns_pid)));
        ck_assert_int_eq(lab_number(left, F(unshare, ns_mnt)), namespace_of(getpid(), "mnt"));
        ck_assert_int_eq(lab_number(left, F(unshare, ns_user)), namespace_of(getpid(), "user"));
        ck_assert_int_eq(lab_number(left, F(unshare, ns_cgroup)), namespace_of(getpid(), "cgroup"));

        ck_assert_int_eq(lab_number(back, F(setns, flags)), CLONE_NEWUTS);
        ck_assert_int_eq(lab_number(back, F(setns, old_ns_uts)), lab_number(left, F(unshare, ns_uts)));
        ck_assert_int_eq(lab_number(back, F(setns, ns_uts)), namespace_of(getpid(), "uts"));
        ck_assert_int_lt(lab_find(WIRE_KIND_setns, pid, 1)->result, 0);

        /* The child is the first that lives in the new one, though its own call made none. */
        ck_assert_int_eq(lab_number(fork, F(fork, child_ns_pid)), lab_number(left, F(unshare, ns_pid)));
        ck_assert(!lab_known(fork, F(fork, child_ns_mnt)));
        exec = lab_find(WIRE_KIND_execve, lab_number(fork, F(fork, child_pid)), 0);
        ck_assert_int_eq(lab_number(exec, F(execve, ns_pid)), lab_number(left, F(unshare, ns_pid)));
        ck_assert_int_eq(lab_number(exec, F(execve, ns_uts)), lab_number(left, F(unshare, ns_uts)));
        ck_assert_int_eq(lab_number(exec, F(execve, ns_net)), namespace_of(getpid(), "net"));

        ck_assert_str_eq(lab_text(lab_find(WIRE_KIND_sethostname, pid, 0), F(sethostname, name)), "elsewhere");
        ck_assert_int_eq(lab_number(lab_find(WIRE_KIND_sethostname, pid, 0), F(sethostname, domain)), false);
        ck_assert_str_eq(lab_text(lab_find(WIRE_KIND_sethostname, pid, 1), F(sethostname, name)), "domain");
        ck_assert_int_eq(lab_number(lab_find(WIRE_KIND_sethostname, pid, 1), F(sethostname, domain)), true);
}
END_TEST

/* ---- what only the mighty may ---- */

static int try_everything(void *argument) {
        /* On the stack: the kernel refuses before it reads, and a page that was never touched is not there to be read.
         */
        char module[] = "nothing", settings[] = "a=b", device[] = "/dev/none";
        struct timespec time = {.tv_sec = 1000, .tv_nsec = 5};
        struct perf_event_attr perf = {.type = PERF_TYPE_SOFTWARE, .size = sizeof(perf), .config = 3};
        union bpf_attr map = {.map_type = BPF_MAP_TYPE_HASH, .key_size = 4, .value_size = 4, .max_entries = 1};
        unsigned params[30] = {};

        memcpy(map.map_name, "a_map", 6);
        if (chdir(lab.directory) < 0 || syscall(SYS_setresuid, 1000, 1000, 1000) < 0)
                return 1;
        (void)syscall(SYS_delete_module, module, O_NONBLOCK);
        (void)syscall(SYS_finit_module, 0, settings, 1);
        (void)syscall(SYS_bpf, BPF_MAP_CREATE, &map, sizeof(map));
        (void)syscall(SYS_perf_event_open, &perf, -1, 0, -1, 0);
        (void)syscall(SYS_io_uring_setup, 0, params);
        (void)syscall(SYS_keyctl, KEYCTL_REVOKE, 12345);
        (void)syscall(SYS_add_key, "user", "a_key", "x", 1, 99);
        (void)syscall(SYS_quotactl, 7, device, 42, NULL);
        (void)syscall(SYS_reboot, 1, 2, 0x1234567, NULL);
        (void)syscall(SYS_clock_settime, CLOCK_REALTIME, &time);
        (void)swapon("a_swap", 5);
        (void)swapoff("a_swap");
        return acct("an_account") == 0;
}

START_TEST(the_doors_to_the_kernel_are_told_when_they_stay_shut) {
        pid_t pid = lab_run(try_everything, NULL);
        const struct wire_header *record;

#define THE(kind) (record = lab_find(WIRE_KIND_##kind, pid, 0))
        ck_assert_int_eq(lab.status, 0);
        if (access("/proc/modules", F_OK) == 0) {
                ck_assert_str_eq(lab_text(THE(delete_module), F(delete_module, name)), "nothing");
                ck_assert_int_eq(lab_number(record, F(delete_module, flags)), O_NONBLOCK);
                ck_assert_int_lt(record->result, 0);
                ck_assert_str_eq(lab_text(THE(init_module), F(init_module, params)), "a=b");
                ck_assert_int_eq(lab_number(record, F(init_module, flags)), 1);
        } else
                printf("no modules here: not tried\n");
        ck_assert_int_eq(lab_number(THE(bpf), F(bpf, command)), BPF_MAP_CREATE);
        ck_assert_int_eq(lab_number(record, F(bpf, map_type)), BPF_MAP_TYPE_HASH);
        ck_assert_str_eq(lab_text(record, F(bpf, name)), "a_map");
        ck_assert_int_eq(lab_number(THE(perf_event_open), F(perf_event_open, type)), PERF_TYPE_SOFTWARE);
        ck_assert_int_eq(lab_number(record, F(perf_event_open, config)), 3);
        ck_assert_int_eq(lab_number(record, F(perf_event_open, target_pid)), -1);
        ck_assert_int_eq(lab_number(record, F(perf_event_open, target_cpu)), 0);
        ck_assert_int_eq(lab_number(THE(io_uring), F(io_uring, setup)), true);
        ck_assert_int_eq(record->call, WIRE_CALL_io_uring_setup);
        ck_assert_int_eq(lab_number(THE(keyctl), F(keyctl, option)), KEYCTL_REVOKE);
        ck_assert_int_eq(lab_number(record, F(keyctl, key)), 12345);
        record = lab_find(WIRE_KIND_keyctl, pid, 1);
        ck_assert_str_eq(lab_text(record, F(keyctl, type)), "user");
        ck_assert_str_eq(lab_text(record, F(keyctl, name)), "a_key");
        ck_assert_str_eq(lab_text(THE(quotactl), F(quotactl, pathname)), "/dev/none");
        ck_assert_int_eq(lab_number(record, F(quotactl, id)), 42);
        ck_assert_int_eq(lab_number(THE(reboot), F(reboot, command)), 0x1234567);
        ck_assert_int_eq(record->result, -EPERM);
        ck_assert_int_eq(lab_number(THE(settime), F(settime, value)), 1000000000005);
        ck_assert_int_eq(record->result, -EPERM);
        ck_assert_str_eq(lab_text(THE(swapon), F(swapon, pathname)), lab_path("a_swap"));
        ck_assert_int_eq(lab_number(record, F(swapon, flags)), 5);
        ck_assert_int_eq(lab_number(lab_find(WIRE_KIND_swapon, pid, 1), F(swapon, off)), true);
        ck_assert_str_eq(lab_text(THE(acct), F(acct, given)), "an_account");
}
END_TEST

/* ---- what succeeds, and stays the process's own ---- */

static int open_doors(void *argument) {
        const struct bpf_insn code[] = {
                {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
                {.code = BPF_JMP | BPF_EXIT},
        };
        union bpf_attr load = {.insns = (uintptr_t)code, .insn_cnt = 2, .license = (uintptr_t) "GPL"};
        struct perf_event_attr perf = {.type = PERF_TYPE_SOFTWARE, .size = sizeof(perf),
                                       .config = PERF_COUNT_SW_DUMMY};
        struct io_uring_params ring = {.flags = IORING_SETUP_CLAMP};
        union bpf_attr link = {}, map = {}, attach = {};
        int program, event, key;

        load.prog_type = BPF_PROG_TYPE_PERF_EVENT;
        memcpy(load.prog_name, "on_nothing", 10);
        program = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof(load));
        event = (int)syscall(SYS_perf_event_open, &perf, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
        if (program < 0 || event < 0)
                return 1;
        link.link_create.prog_fd = program;
        link.link_create.target_fd = event;
        link.link_create.attach_type = BPF_PERF_EVENT;
        if (syscall(SYS_bpf, BPF_LINK_CREATE, &link, sizeof(link)) < 0)
                return 2;

        map.map_type = BPF_MAP_TYPE_SOCKMAP;
        map.key_size = map.value_size = 4;
        map.max_entries = 1;
        memcpy(map.map_name, "sockets", 7);
        load.prog_type = BPF_PROG_TYPE_SK_SKB;
        memcpy(load.prog_name, "on_message\0", 11);
        attach.attach_bpf_fd = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof(load));
        attach.target_fd = (int)syscall(SYS_bpf, BPF_MAP_CREATE, &map, sizeof(map));
        attach.attach_type = BPF_SK_SKB_STREAM_VERDICT;
        if ((int)attach.target_fd < 0 || syscall(SYS_bpf, BPF_PROG_ATTACH, &attach, sizeof(attach)) < 0)
                return 3;

        if (syscall(SYS_io_uring_setup, 4, &ring) < 0 && errno != ENOSYS && errno != EPERM)
                return 4;
        key = (int)syscall(SYS_add_key, "user", "a key of ours", "x", 1, KEY_SPEC_PROCESS_KEYRING);
        if (key < 0 || syscall(SYS_request_key, "user", "a key of ours", NULL, 0) != key)
                return 5;
        if (syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_PROCESS_KEYRING, "user", "a key of ours", 0) != key ||
            syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, "a session") < 0)
                return 6;
        return syscall(SYS_quotactl_fd, event, QCMD(Q_GETQUOTA, USRQUOTA), 42, NULL) == 0 ? 7 : 0;
}

START_TEST(what_gets_into_the_kernel_is_told_as_the_kernel_has_it) {
        pid_t pid = lab_run(open_doors, NULL);
        const struct wire_header *record;
        int64_t key;

        ck_assert_int_eq(WEXITSTATUS(lab.status), 0);
        record = lab_find(WIRE_KIND_bpf, pid, 0);
        ck_assert_int_eq(lab_number(record, F(bpf, command)), BPF_PROG_LOAD);
        ck_assert_int_eq(lab_number(record, F(bpf, program_type)), BPF_PROG_TYPE_PERF_EVENT);
        ck_assert_str_eq(lab_text(record, F(bpf, name)), "on_nothing");
        ck_assert(!(record->user & (WIRE_BIT(bpf, name) | WIRE_BIT(bpf, program_type))));
        record = lab_find(WIRE_KIND_bpf, pid, 1);
        ck_assert_int_eq(lab_number(record, F(bpf, command)), BPF_LINK_CREATE);
        ck_assert_int_eq(lab_number(record, F(bpf, attach_type)), BPF_PERF_EVENT);
        ck_assert_str_eq(lab_text(record, F(bpf, name)), "on_nothing");
        record = lab_find(WIRE_KIND_bpf, pid, 3);
        ck_assert_int_eq(lab_number(record, F(bpf, command)), BPF_MAP_CREATE);
        ck_assert_int_eq(lab_number(record, F(bpf, map_type)), BPF_MAP_TYPE_SOCKMAP);
        ck_assert_str_eq(lab_text(record, F(bpf, name)), "sockets");
        record = lab_find(WIRE_KIND_bpf, pid, 4);
        ck_assert_int_eq(lab_number(record, F(bpf, command)), BPF_PROG_ATTACH);
        ck_assert_int_eq(lab_number(record, F(bpf, attach_type)), BPF_SK_SKB_STREAM_VERDICT);
        ck_assert_int_eq(lab_number(record, F(bpf, program_type)), BPF_PROG_TYPE_SK_SKB);
        ck_assert_str_eq(lab_text(record, F(bpf, name)), "on_message");

        record = lab_find(WIRE_KIND_perf_event_open, pid, 0);
        ck_assert_int_ge(record->result, 0);
        ck_assert_int_eq(lab_number(record, F(perf_event_open, config)), PERF_COUNT_SW_DUMMY);
        ck_assert_int_eq(lab_number(record, F(perf_event_open, flags)), PERF_FLAG_FD_CLOEXEC);

        record = lab_find(WIRE_KIND_io_uring, pid, 0);
        ck_assert_int_eq(lab_number(record, F(io_uring, entries)), 4);
        ck_assert_int_eq(lab_number(record, F(io_uring, flags)), IORING_SETUP_CLAMP);
        if (record->result >= 0) {
                ck_assert_int_eq(lab_number(record, F(io_uring, fd)), record->result);
                ck_assert(lab_known(record, F(io_uring, file)));
        }

        record = lab_find(WIRE_KIND_keyctl, pid, 0);
        key = record->result;
        ck_assert_int_eq(record->call, WIRE_CALL_add_key);
        ck_assert_int_eq(lab_number(record, F(keyctl, key)), key);
        record = lab_find(WIRE_KIND_keyctl, pid, 1);
        ck_assert_int_eq(record->call, WIRE_CALL_request_key);
        ck_assert_int_eq(lab_number(record, F(keyctl, key)), key);
        ck_assert_str_eq(lab_text(record, F(keyctl, type)), "user");
        ck_assert_str_eq(lab_text(record, F(keyctl, name)), "a key of ours");
        record = lab_find(WIRE_KIND_keyctl, pid, 2);
        ck_assert_int_eq(lab_number(record, F(keyctl, option)), KEYCTL_SEARCH);
        ck_assert_int_eq(lab_number(record, F(keyctl, key)), KEY_SPEC_PROCESS_KEYRING);
        ck_assert_str_eq(lab_text(record, F(keyctl, name)), "a key of ours");
        record = lab_find(WIRE_KIND_keyctl, pid, 3);
        ck_assert_int_eq(lab_number(record, F(keyctl, option)), KEYCTL_JOIN_SESSION_KEYRING);
        ck_assert_str_eq(lab_text(record, F(keyctl, name)), "a session");

        record = lab_find(WIRE_KIND_quotactl, pid, 0);
        if (record) {
                ck_assert_int_eq(lab_number(record, F(quotactl, command)), (uint32_t)QCMD(Q_GETQUOTA, USRQUOTA));
                ck_assert_int_eq(lab_number(record, F(quotactl, id)), 42);
        } else
                printf("no quotas here: not tried\n");
}
END_TEST

int main(void) {
        const TTest *const tests[] = {
                mounts_tell_source_target_and_type,
                namespaces_are_told_before_and_after,
                the_doors_to_the_kernel_are_told_when_they_stay_shut,
                a_mount_that_is_made_in_steps_is_told_step_by_step,
                what_gets_into_the_kernel_is_told_as_the_kernel_has_it,
        };
        struct interest interest =
                lab_interest(B(mount) | B(umount) | B(pivot_root) | B(chroot) | B(unshare) | B(setns) | B(init_module) |
                             B(delete_module) | B(bpf) | B(perf_event_open) | B(io_uring) | B(keyctl) | B(quotactl) |
                             B(reboot) | B(settime) | B(sethostname) | B(swapon) | B(acct));

        return lab_main("bpf/host", tests, ELEMENTSOF(tests), &interest, NULL);
}
