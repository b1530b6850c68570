/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Call numbers - SYS_NAME for every call of daemon/event/calls.def, whatever the headers of the C library know. A call
 * that this machine never had is number -1, and fails with ENOSYS as one does that the kernel was built without. */

#include <sys/syscall.h>

/* Newer than the floor's headers; the same everywhere. */
#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif
#ifndef SYS_setxattrat
#define SYS_setxattrat 463
#define SYS_removexattrat 466
#endif

#ifndef SYS_open
#define SYS_open (-1)
#define SYS_creat (-1)
#define SYS_dup2 (-1)
#define SYS_unlink (-1)
#define SYS_rmdir (-1)
#define SYS_rename (-1)
#define SYS_link (-1)
#define SYS_symlink (-1)
#define SYS_mkdir (-1)
#define SYS_mknod (-1)
#define SYS_chmod (-1)
#define SYS_chown (-1)
#define SYS_lchown (-1)
#define SYS_utime (-1)
#define SYS_utimes (-1)
#define SYS_futimesat (-1)
#endif
