/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Walk - open a directory step by step, with no link anywhere on the way.
 *
 * openat2() would do the same in one call, but a service with RestrictSUIDSGID= does not have it. */

/* The path is plain: its parts are neither empty nor . or .. (a slash in front is passed over); "" or "/" is where it
 * begins. The directory's descriptor; -ELOOP: there is a link in it; -ENOENT, -ENOTDIR. */
int walk_directory(int from_fd, const char *path);
