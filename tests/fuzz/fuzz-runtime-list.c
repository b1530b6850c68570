/* SPDX-License-Identifier: Apache-2.0 */

/* Any bytes as the file of a list that scripts had filled: left out whole and counted, or taken, and then what is
 * written out reads back as the same. And each of its lines by itself. */

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "action/runtime-list.h"
#include "base/cleanup.h"
#include "scratch.h"

#define NOW 1000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_lines(const char *text, size_t n) {
        for (const char *line = text, *end; line < text + n; line = end + 1) {
                const char *value;
                uint64_t until_ns;
                size_t value_n;

                end = memchr(line, '\n', (size_t)(text + n - line)) ?: text + n;
                if (!runtime_line_parse(line, (size_t)(end - line), &until_ns, &value, &value_n))
                        continue;
                assert(value > line && value_n > 0 && value_n <= VALUE_LISTS_VALUE_MAX && value + value_n == end);
                assert(!memchr(value, 0, value_n));
        }
}

static struct runtime_lists *load(const char *directory, size_t *ret_n_bad) {
        struct runtime_lists *lists = NULL;

        assert(runtime_lists_new(directory, NOW, ret_n_bad, &lists) == 0);
        return lists;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        _cleanup_(runtime_lists_freep) struct runtime_lists *lists = NULL, *again = NULL;
        char directory[PATH_MAX], path[PATH_MAX + 8];
        size_t n_bad = 0, n_values;

        check_lines((const char *)data, n);

        snprintf(directory, sizeof(directory), "%s", scratch_path("lists"));
        assert(mkdir(directory, 0755) == 0 || errno == EEXIST);
        snprintf(path, sizeof(path), "%s/list", directory);
        close_fd(scratch_file(path, data, n));
        lists = load(directory, &n_bad);
        n_values = runtime_lists_n_values(lists);
        assert(n_bad <= 1 && (n_bad == 0 || n_values == 0));
        if (n_bad == 1)
                return 0;

        /* Writes it anew. */
        assert(runtime_list_add(lists, "list", "one more", UINT64_MAX) >= 0);
        assert(runtime_list_has(lists, "list", "one more", NOW));
        n_values = runtime_lists_n_values(lists);
        again = load(directory, &n_bad);
        assert(n_bad == 0 && runtime_lists_n_values(again) == n_values);
        return 0;
}
