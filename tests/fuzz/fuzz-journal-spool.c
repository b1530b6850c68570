/* SPDX-License-Identifier: Apache-2.0 */

/* Any bytes as the file that an earlier process left; or, if the first of them is odd, entries as the spool writes
 * them, with some bytes of the file changed afterwards (a hash is not guessed). Either is opened: what is said to wait
 * is what comes out, in whole entries, and behind it the file is as new. */

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"
#include "report/journal-spool.h"
#include "scratch.h"

#define MAX_BYTES ((uint64_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static size_t n_sent, sent_bytes;

static int send_it(const void *data, size_t n, void *userdata) {
        assert(n > 0);
        n_sent++;
        sent_bytes += n;
        return 0;
}

static int send_the_same(const void *data, size_t n, void *userdata) {
        assert(n == 5 && memcmp(data, "entry", 5) == 0);
        n_sent++;
        return 0;
}

/* One byte says how many changes there are, three are a change (how far in, to what), the rest are entries of 16. */
static void write_and_damage(const char *path, const uint8_t *data, size_t n) {
        size_t n_changes = n > 0 ? data[0] % 8 : 0, head = 1 + 3 * n_changes;
        struct journal_spool *spool = NULL;
        struct stat st;
        int fd;

        if (n < head)
                return;
        (void)unlink(path);
        assert(journal_spool_open(path, MAX_BYTES, &spool) == 0);
        for (size_t at = head; at < n; at += 16)
                (void)journal_spool_add(spool, data + at, MIN(n - at, (size_t)16));
        journal_spool_free(spool);

        fd = open(path, O_RDWR | O_CLOEXEC);
        assert(fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0);
        for (size_t i = 0; i < n_changes; i++) {
                const uint8_t *change = data + 1 + 3 * i;
                off_t place = (change[0] | change[1] << 8) % st.st_size;

                assert(pwrite(fd, change + 2, 1, place) == 1);
        }
        close_fd(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        struct journal_spool_stats stats;
        struct journal_spool *spool = NULL;
        const char *path = scratch_path("spool");
        struct stat st;

        close_fd(scratch_file(path, data, n));
        if (n > 0 && data[0] % 2 == 1)
                write_and_damage(path, data + 1, n - 1);

        assert(journal_spool_open(path, MAX_BYTES, &spool) == 0);
        journal_spool_stats(spool, &stats);
        assert(stats.waiting_bytes >= stats.n_waiting * 17);
        n_sent = sent_bytes = 0;
        assert(journal_spool_drain(spool, SIZE_MAX, send_it, NULL) == 0);
        assert(n_sent == stats.n_waiting && sent_bytes + 16 * n_sent == stats.waiting_bytes);
        assert(stat(path, &st) == 0 && st.st_size == 16);

        /* It goes on as if nothing had been. */
        assert(journal_spool_add(spool, "entry", 5) == 0);
        journal_spool_free(spool);
        assert(journal_spool_open(path, MAX_BYTES, &spool) == 0);
        journal_spool_stats(spool, &stats);
        assert(stats.n_waiting == 1 && stats.n_cut == 0);
        n_sent = 0;
        assert(journal_spool_drain(spool, SIZE_MAX, send_the_same, NULL) == 0);
        assert(n_sent == 1);
        journal_spool_free(spool);
        return 0;
}
