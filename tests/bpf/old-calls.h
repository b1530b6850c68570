/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Old calls - system calls that x86-64 has and arm64 never had: made as they are where there is one, else by the one
 * that took their place, so that a test of all forms runs on both. */

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef SYS_open
#define old_open(path, flags, mode) syscall(SYS_open, path, flags, mode)
#define old_creat(path, mode) syscall(SYS_creat, path, mode)
#define old_rename(from, to) syscall(SYS_rename, from, to)
#define old_chmod(path, mode) syscall(SYS_chmod, path, mode)
#define old_dup2(fd, to) syscall(SYS_dup2, fd, to)
#define OLD_DUP2_CALL WIRE_CALL_dup2
#define KERNEL_O_LARGEFILE 0100000
#else
#define old_open(path, flags, mode) syscall(SYS_openat, AT_FDCWD, path, flags, mode)
#define old_creat(path, mode) syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, mode)
#define old_rename(from, to) syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to)
#define old_chmod(path, mode) syscall(SYS_fchmodat, AT_FDCWD, path, mode)
#define old_dup2(fd, to) syscall(SYS_dup3, fd, to, 0)
#define OLD_DUP2_CALL WIRE_CALL_dup3
#define KERNEL_O_LARGEFILE 0400000
#endif
