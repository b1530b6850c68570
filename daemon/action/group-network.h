/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Group network - all packets of a control group and those below it refused, but those between loopback addresses.
 *
 * A program in the kernel, attached beside those of others, stays when this process ends and goes with the group. When
 * its time is over it lets everything pass by itself, whether anybody of us still lives or not. */

#include <stdint.h>

/* until_ns: CLOCK_BOOTTIME; 0: no end. *ret_id: of the program, for allowing it again. -EPERM: no CAP_BPF or
 * CAP_NET_ADMIN, or a group above does not let this one have programs. */
int group_network_deny(int cgroup_fd, uint64_t until_ns, uint32_t *ret_id);

/* Take it away again. -ENOENT: it is not there, or that number is another program's by now. Needs CAP_SYS_ADMIN, as the
 * kernel gives out programs by number to nobody else. */
int group_network_allow(int cgroup_fd, uint32_t id);

/* Is it attached there, in both directions? -errno. */
int group_network_is_denied(int cgroup_fd, uint32_t id);
