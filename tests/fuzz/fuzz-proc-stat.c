/* SPDX-License-Identifier: Apache-2.0 */

/* Any bytes as /proc/PID/stat, in the middle of which stands what the process calls itself: refused, or a name that
 * ends, and numbers that do not depend on that name. And as the kernel's command line. */

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "action/breakglass.h"
#include "action/proc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* The kernel cuts a name to 15 bytes, and anything but NUL may be in it. */
static void check_name(const char *name, size_t n) {
        struct proc_stat stat;
        char text[256];
        int k;

        k = snprintf(text, sizeof(text), "42 (%.*s) S 7 8 9 34816 10 2097216 1 2 3 4 5 6 7 8 9 10 11 12 777 13 14\n",
                     (int)(n < 15 ? n : 15), name);
        assert(proc_stat_parse(text, (size_t)k, &stat) == 0);
        assert(stat.pid == 42 && stat.ppid == 7 && stat.pgrp == 8 && stat.sid == 9 && stat.tty == 34816);
        assert(stat.state == 'S' && (stat.flags & PROC_FLAG_KTHREAD) && stat.start_ticks == 777);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        struct proc_stat stat;
        char *text;
        int r;

        r = proc_stat_parse((const char *)data, n, &stat);
        assert(r == 0 || r == -EBADMSG);
        if (r == 0)
                assert(memchr(stat.name, 0, sizeof(stat.name)));

        text = strndup((const char *)data, n);
        check_name(text, strlen(text));
        r = breakglass_is_on_command_line(text);
        assert(r == 0 || r == 1);
        free(text);
        return 0;
}
