/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Response peer - who is at the other end of the socket between the daemon and the process that runs scripts, as the
 * kernel says. Each side asks: who reaches the process may have it kill, and who answers may quiet alerts. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

/* Connect to a SEQPACKET socket, whose packets then bring who has sent them. -EPERM: its listener is not the process
 * `listener` of our user. A descriptor, or -errno. Does not wait. */
int response_peer_connect(const char *path, pid_t listener);

/* How much may wait on the way out of this end, so that a packet of the largest size fits at all. */
void response_peer_widen(int fd);

/* recv(), without waiting, and who has sent it; `ret->pid` 0: the kernel did not say. */
ssize_t response_peer_receive(int fd, void *bytes, size_t n, struct ucred *ret);

/* Is it a process of our user in a unit of the service manager of this name (fnmatch(3))? NULL: in whichever. */
bool response_peer_is_in(const struct ucred *peer, const char *unit);

/* Does the other end of a connection belong to whoever started us, or to a process of that unit? */
bool response_peer_may_ask(int fd, const char *unit);
