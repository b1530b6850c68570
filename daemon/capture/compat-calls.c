/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/compat-calls.h"

#if defined(__x86_64__)

/* This header defines the same names as <sys/syscall.h>, with other numbers: it is why this file is alone. */
#include <asm/unistd_32.h>

/* Later calls for 64-bit times: newer than some headers. */
#ifndef __NR_clock_settime64
#define __NR_clock_settime64 404
#endif
#ifndef __NR_clock_adjtime64
#define __NR_clock_adjtime64 405
#endif
#ifndef __NR_utimensat_time64
#define __NR_utimensat_time64 412
#endif
#ifndef __NR_recvmmsg_time64
#define __NR_recvmmsg_time64 417
#endif
#ifndef __NR_fchmodat2
#define __NR_fchmodat2 452
#endif
#ifndef __NR_setxattrat
#define __NR_setxattrat 463
#endif
#ifndef __NR_removexattrat
#define __NR_removexattrat 466
#endif

#define SAME(call) [__NR_##call] = WIRE_CALL_##call

static const uint16_t calls[COMPAT_MAX_NUMBER] = {
        SAME(execve), SAME(execveat), SAME(open), SAME(creat), SAME(openat), SAME(openat2), SAME(open_by_handle_at),
        SAME(read), SAME(readv), SAME(pread64), SAME(preadv), SAME(preadv2), SAME(write), SAME(writev),
        SAME(pwrite64), SAME(pwritev), SAME(pwritev2), SAME(sendfile), SAME(splice), SAME(tee), SAME(vmsplice),
        SAME(copy_file_range), SAME(close), SAME(close_range), SAME(dup), SAME(dup2), SAME(dup3), SAME(fcntl),
        SAME(pidfd_getfd), SAME(mmap), SAME(mprotect), SAME(pkey_mprotect), SAME(memfd_create), SAME(unlink),
        SAME(unlinkat), SAME(rmdir), SAME(rename), SAME(renameat), SAME(renameat2), SAME(link), SAME(linkat),
        SAME(symlink), SAME(symlinkat), SAME(mkdir), SAME(mkdirat), SAME(mknod), SAME(mknodat), SAME(truncate),
        SAME(ftruncate), SAME(chmod), SAME(fchmod), SAME(fchmodat), SAME(fchmodat2), SAME(chown), SAME(lchown),
        SAME(fchown), SAME(fchownat), SAME(setxattr), SAME(lsetxattr), SAME(fsetxattr), SAME(setxattrat),
        SAME(removexattr), SAME(lremovexattr), SAME(fremovexattr), SAME(removexattrat), SAME(utime), SAME(utimes),
        SAME(futimesat), SAME(utimensat), SAME(socket), SAME(socketpair), SAME(connect), SAME(bind), SAME(listen),
        SAME(accept4), SAME(sendto), SAME(sendmsg), SAME(sendmmsg), SAME(recvfrom), SAME(recvmsg), SAME(recvmmsg),
        SAME(setuid), SAME(setreuid), SAME(setresuid), SAME(setfsuid), SAME(setgid), SAME(setregid),
        SAME(setresgid), SAME(setfsgid), SAME(capset), SAME(setgroups), SAME(prctl), SAME(ptrace),
        SAME(process_vm_readv), SAME(process_vm_writev), SAME(kill), SAME(tkill), SAME(tgkill),
        SAME(pidfd_send_signal), SAME(rt_sigqueueinfo), SAME(rt_tgsigqueueinfo), SAME(mount), SAME(move_mount),
        SAME(fsmount), SAME(open_tree), SAME(mount_setattr), SAME(umount2), SAME(pivot_root), SAME(chroot),
        SAME(unshare), SAME(setns), SAME(init_module), SAME(finit_module), SAME(delete_module), SAME(bpf),
        SAME(perf_event_open), SAME(io_uring_setup), SAME(add_key), SAME(request_key), SAME(keyctl), SAME(quotactl),
        SAME(quotactl_fd), SAME(reboot), SAME(kexec_load), SAME(clock_settime), SAME(settimeofday), SAME(adjtimex),
        SAME(clock_adjtime), SAME(sethostname), SAME(setdomainname), SAME(swapon), SAME(swapoff), SAME(acct),

        /* The same with another name: wider ids, offsets and times. */
        [__NR_socketcall] = COMPAT_SOCKETCALL,
        [__NR_umount] = WIRE_CALL_umount2,
        [__NR_sendfile64] = WIRE_CALL_sendfile,
        [__NR_fcntl64] = WIRE_CALL_fcntl,
        [__NR_mmap2] = WIRE_CALL_mmap,
        [__NR_truncate64] = WIRE_CALL_truncate,
        [__NR_ftruncate64] = WIRE_CALL_ftruncate,
        [__NR_chown32] = WIRE_CALL_chown,
        [__NR_lchown32] = WIRE_CALL_lchown,
        [__NR_fchown32] = WIRE_CALL_fchown,
        [__NR_setuid32] = WIRE_CALL_setuid,
        [__NR_setreuid32] = WIRE_CALL_setreuid,
        [__NR_setresuid32] = WIRE_CALL_setresuid,
        [__NR_setfsuid32] = WIRE_CALL_setfsuid,
        [__NR_setgid32] = WIRE_CALL_setgid,
        [__NR_setregid32] = WIRE_CALL_setregid,
        [__NR_setresgid32] = WIRE_CALL_setresgid,
        [__NR_setfsgid32] = WIRE_CALL_setfsgid,
        [__NR_setgroups32] = WIRE_CALL_setgroups,
        [__NR_clock_settime64] = WIRE_CALL_clock_settime,
        [__NR_clock_adjtime64] = WIRE_CALL_clock_adjtime,
        [__NR_utimensat_time64] = WIRE_CALL_utimensat,
        [__NR_recvmmsg_time64] = WIRE_CALL_recvmmsg,
};

enum wire_call compat_call(size_t i) {
        return i < COMPAT_MAX_NUMBER ? (enum wire_call)calls[i] : WIRE_CALL_NONE;
}

#else

enum wire_call compat_call(size_t i) {
        return WIRE_CALL_NONE;
}

#endif
