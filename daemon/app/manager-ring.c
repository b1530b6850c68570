/* SPDX-License-Identifier: Apache-2.0 */
#include "app/manager-ring.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/manager-private.h"
#include "base/cleanup.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/state.h"
#include "base/strbuf.h"
#include "capture/ring-size.h"

#define FILE_MAX 256

size_t manager_ring_read(struct manager *manager) {
        struct manager_ring *m = &manager->ring;
        _cleanup_(freep) char *text = NULL;
        _cleanup_(closep) int fd = -1;
        enum fd_trust why;
        size_t n;
        int r;

        m->began_with = manager->settings.config.capture.ring_size_bytes;
        (void)state_path("ring", m->file, sizeof(m->file));
        if (!m->file[0])
                return 0;
        fd = open_trusted_file(m->file, &why, NULL);
        if (fd == -ENOENT)
                return 0;
        r = fd < 0 ? fd : fd_read_all(fd, FILE_MAX, &text, &n);
        if (r >= 0)
                r = ring_size_parse(text, n, &m->bytes);
        if (r < 0)
                log_warning_errno(r, "Cannot use '%s', the ring begins with capture.ring_size: %m", m->file);
        return m->bytes;
}

void manager_ring_keep(struct manager *manager) {
        struct manager_ring *m = &manager->ring;
        _cleanup_(strbuf_done) struct strbuf b = {};
        _cleanup_(closep) int fd = -1;
        char new[sizeof(m->file) + 8];
        struct capture_stats stats;
        int r;

        if (!m->file[0] || !manager->capture)
                return;
        capture_stats(manager->capture, &stats);
        /* What is configured need not be learned, unless something else was. */
        if (stats.ring_bytes == m->bytes || (m->bytes == 0 && stats.ring_bytes == m->began_with))
                return;
        m->bytes = stats.ring_bytes;
        ring_size_put(m->bytes, &b);
        snprintf(new, sizeof(new), "%s.new", m->file);
        fd = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
        r = fd < 0 ? -errno : b.error < 0 ? b.error : fd_write_full(fd, b.data, b.n);
        if (r >= 0 && rename(new, m->file) < 0)
                r = -errno;
        if (r >= 0)
                return;
        log_warning_errno(r, "Cannot write '%s', the next start begins with capture.ring_size: %m", m->file);
        m->file[0] = 0;
}
