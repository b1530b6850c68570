/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Asker - who wants something of the daemon: for the log and the journal. What the kernel says of who sent a signal or
 * a message; what a process calls itself is looked up afterwards, so another one may have its number by then. */

#include <stdint.h>
#include <sys/types.h>

struct strbuf;

struct asker {
        const char *way;                /* "signal", "bus", ...; without a process and a user what it is by itself */
        pid_t pid;                      /* 0: not known */
        uid_t uid;                      /* UINT32_MAX: not known */
        uid_t loginuid;                 /* who logged in; UINT32_MAX: nobody */
        char name[16];                  /* its comm, or empty */
};

/* Looks for the rest in /proc. `way` is borrowed for good. */
void asker_init(const char *way, pid_t pid, uid_t uid, struct asker *ret);

/* "user 0 (login 1000), process 4711 (systemctl), by signal" */
void asker_put(const struct asker *asker, struct strbuf *b);
