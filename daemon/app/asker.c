/* SPDX-License-Identifier: Apache-2.0 */
#include "app/asker.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/parse.h"
#include "base/strbuf.h"

#define TEXT_MAX 64

static char *read_of(pid_t pid, const char *name) {
        char path[64], *text = NULL;
        size_t n;

        snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
        if (read_file_at(AT_FDCWD, path, TEXT_MAX, &text, &n) < 0)
                return NULL;
        text[strcspn(text, "\n")] = 0;
        return text;
}

void asker_init(const char *way, pid_t pid, uid_t uid, struct asker *ret) {
        _cleanup_(freep) char *name = NULL, *login = NULL;
        uint64_t loginuid = UINT32_MAX;

        if (pid > 0) {
                name = read_of(pid, "comm");
                login = read_of(pid, "loginuid");
        }
        if (login && parse_u64(login, 0, UINT32_MAX, &loginuid) < 0)
                loginuid = UINT32_MAX;
        *ret = (struct asker){.way = way, .pid = pid, .uid = uid, .loginuid = (uid_t)loginuid};
        if (name)
                snprintf(ret->name, sizeof(ret->name), "%s", name);
}

void asker_put(const struct asker *asker, struct strbuf *b) {
        if (asker->uid == UINT32_MAX && asker->pid == 0) {
                strbuf_put(b, asker->way);      /* nobody, but the daemon by itself */
                return;
        }
        if (asker->uid != UINT32_MAX)
                strbuf_printf(b, "user %" PRIu32, asker->uid);
        else
                strbuf_put(b, "user unknown");
        if (asker->loginuid != UINT32_MAX)
                strbuf_printf(b, " (login %" PRIu32 ")", asker->loginuid);
        if (asker->pid > 0)
                strbuf_printf(b, ", process %d", (int)asker->pid);
        if (asker->name[0]) {
                strbuf_put(b, " (");
                strbuf_put_text(b, asker->name, strlen(asker->name));
                strbuf_put_char(b, ')');
        }
        strbuf_printf(b, ", by %s", asker->way);
}
