/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Host - which machine alerts are of, for whoever collects those of many. As it was when it was read: a service with
 * ProtectHostname= does not see the host's name change. Whatever cannot be read is empty. */

struct host {
        char name[65];                  /* of the kernel; not necessarily with a domain */
        char machine_id[33];            /* machine-id(5), in hexadecimal */
        char boot_id[33];
};

void host_read(struct host *ret);
