/* SPDX-License-Identifier: Apache-2.0 */
#include "report/host.h"

#include <stdio.h>
#include <sys/utsname.h>
#include <systemd/sd-id128.h>

void host_read(struct host *ret) {
        struct utsname names;
        sd_id128_t id;

        *ret = (struct host){};
        if (uname(&names) >= 0)
                snprintf(ret->name, sizeof(ret->name), "%s", names.nodename);
        if (sd_id128_get_machine(&id) >= 0)
                sd_id128_to_string(id, ret->machine_id);
        if (sd_id128_get_boot(&id) >= 0)
                sd_id128_to_string(id, ret->boot_id);
}
