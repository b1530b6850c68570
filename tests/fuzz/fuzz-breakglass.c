/* SPDX-License-Identifier: Apache-2.0 */

/* Any bytes as the file in which a process notes its lives: never more crashes than lines, and what a life adds is
 * taken away by its good end. And as the command line of the kernel. */

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "action/breakglass.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "scratch.h"

#define NOW (1000 * NSEC_PER_SEC)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_command_line(const uint8_t *data, size_t n) {
        _cleanup_(freep) char *text = strndup((const char *)data, n);

        assert(text);
        assert(breakglass_is_on_command_line(text) == 0 || strstr(text, "execray.disarm"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        char directory[PATH_MAX], path[PATH_MAX + 16];
        int before, begun;
        size_t lines = 1;

        check_command_line(data, n);
        for (size_t i = 0; i < n; i++)
                lines += data[i] == '\n';

        snprintf(directory, sizeof(directory), "%s", scratch_path("breakglass"));
        assert(mkdir(directory, 0755) == 0 || errno == EEXIST);
        snprintf(path, sizeof(path), "%s/alive-core", directory);
        close_fd(scratch_file(path, data, n));
        before = breakglass_count(directory, "core", NOW);
        assert(before >= 0 && (size_t)before <= lines);
        begun = breakglass_begin(directory, "core", NOW);
        assert(begun >= before && (size_t)begun <= lines);
        assert(breakglass_count(directory, "core", NOW) == begun || begun >= 15);
        assert(breakglass_end(directory, "core", NOW) == 0);
        /* Nobody dies of it. */
        assert(breakglass_count(directory, "core", NOW) >= 0);
        (void)breakglass_look(directory, begun);
        return 0;
}
