/* SPDX-License-Identifier: Apache-2.0 */
#include "app/manager-stories.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <systemd/sd-id128.h>

#include "app/manager-private.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/strbuf.h"

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
#define MAX_TOLD 8                     /* policies in one line of the log */

/* Whose clocks and processes these are. */
static int get_stamp(uint8_t ret[static CARRY_STAMP]) {
        sd_id128_t boot;
        int r;

        r = sd_id128_get_boot(&boot);
        if (r < 0)
                return r;
        memcpy(ret, boot.bytes, CARRY_STAMP);
        return 0;
}

static int put(const void *data, size_t n, void *userdata) {
        return fd_write_full(*(const int *)userdata, data, n);
}

int manager_stories_write(struct manager *manager) {
        _cleanup_(closep) int fd = memfd_create("execrayd-stories", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        uint8_t stamp[CARRY_STAMP];
        int r;

        if (fd < 0)
                return -errno;
        r = get_stamp(stamp);
        if (r >= 0)
                r = pipeline_save(manager->pipeline, stamp, &(struct carry_sink){put, &fd});
        if (r < 0)
                return r;
        if (fcntl(fd, F_ADD_SEALS, SEALS) < 0)
                return -errno;
        return TAKE_FD(fd);
}

struct ended {
        struct strbuf names;
        uint64_t n;
};

static void on_ended(const char *path, size_t length, uint64_t n_runs, void *userdata) {
        struct ended *ended = userdata;

        if (ended->n++ >= MAX_TOLD)
                return;
        strbuf_put(&ended->names, ended->n > 1 ? ", '" : "'");
        strbuf_put_text(&ended->names, path, length);
        strbuf_printf(&ended->names, "' (%" PRIu64 ")", n_runs);
}

/* What cannot shrink while it is read: only a file of ours is sealed. */
static int map(int fd, void **ret, size_t *ret_n) {
        int seals = fcntl(fd, F_GET_SEALS);
        struct stat st;
        void *data;

        if (seals < 0 || (seals & SEALS) != SEALS)
                return -EBADMSG;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (st.st_size <= 0 || (uint64_t)st.st_size > CARRY_MAX_BYTES)
                return -EBADMSG;
        data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (data == MAP_FAILED)
                return -errno;
        *ret = data;
        *ret_n = (size_t)st.st_size;
        return 0;
}

static int go_on(struct manager *manager, int fd, struct ended *ended) {
        struct manager_stories *s = &manager->stories;
        uint8_t stamp[CARRY_STAMP];
        void *data = NULL;
        size_t n = 0;
        int r;

        r = get_stamp(stamp);
        if (r >= 0)
                r = map(fd, &data, &n);
        if (r < 0)
                return r;
        r = pipeline_load(manager->pipeline, data, n, stamp, clock_boottime_ns(), on_ended, ended, &s->carried);
        munmap(data, n);
        if (r >= 0)
                capture_go_on_behind(manager->capture, s->carried.number);
        return r;
}

static void tell(const struct manager *manager, const struct ended *ended) {
        const struct carried *c = &manager->stories.carried;

        log_info("Going on with %" PRIu64 " open stories of the process before; %" PRIu64
                 " that it has told are remembered",
                 c->n_runs, c->n_suppressed);
        if (c->n_ended > 0)
                log_notice("%" PRIu64 " open stories end, as their policies have changed or are gone: %s%s", c->n_ended,
                           strbuf_str(&ended->names), ended->n > MAX_TOLD ? " and more" : "");
        if (c->n_refused + c->n_forgotten > 0)
                log_warning("There is no room for %" PRIu64 " open stories of the process before, and %" PRIu64
                            " that it has told are forgotten",
                            c->n_refused, c->n_forgotten);
}

void manager_stories_read(struct manager *manager) {
        _cleanup_(closep) int fd = capture_take_stories(manager->capture);
        struct ended ended = {};
        int r;

        if (fd < 0)
                return;
        r = go_on(manager, fd, &ended);
        if (r >= 0) {
                manager->stories.went_on = true;
                tell(manager, &ended);
        } else {
                manager->stories.refused = true;
                log_warning_errno(r, "Cannot go on with the open stories of the process before, as %s; they end: %m",
                                  r == -EPROTO    ? "they are of another version or boot"
                                  : r == -EBADMSG ? "they are damaged"
                                                  : "they cannot be read");
        }
        strbuf_done(&ended.names);
}
