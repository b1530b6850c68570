/* SPDX-License-Identifier: Apache-2.0 */

/* Any bytes as what dpkg has written down: up to the first NUL the list of a package's files, behind it the status of
 * packages. The work comes to an end, and who owns a file that is there is none, or this package. */

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/clock.h"
#include "report/packages.h"
#include "scratch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static char root[128];

static void write_below(const char *name, const void *data, size_t n) {
        char path[PATH_MAX];

        snprintf(path, sizeof(path), "%s%s", root, name);
        close_fd(scratch_file(path, data, n));
}

static void begin(void) {
        static const char *const directories[] = {"",          "/bin",          "/var",
                                                  "/var/lib", "/var/lib/dpkg", "/var/lib/dpkg/info"};
        char path[PATH_MAX];

        snprintf(root, sizeof(root), "%s", scratch_path("root"));
        for (size_t i = 0; i < ELEMENTSOF(directories); i++) {
                snprintf(path, sizeof(path), "%s%s", root, directories[i]);
                assert(mkdir(path, 0755) == 0);
        }
        write_below("/bin/a", "", 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        const uint8_t *nul = n > 0 ? memchr(data, 0, n) : NULL;
        size_t n_list = nul ? (size_t)(nul - data) : n;
        struct packages *packages = NULL;
        struct packages_stats stats;
        struct wire_object file = {};
        struct package package = {};
        char path[PATH_MAX];
        struct stat st;

        if (!root[0])
                begin();
        write_below("/var/lib/dpkg/info/some:amd64.list", data, n_list);
        write_below("/var/lib/dpkg/status", nul ? nul + 1 : data, nul ? n - n_list - 1 : 0);

        assert(packages_new(root, &packages) == 0);
        packages_look(packages, NSEC_PER_SEC);
        for (size_t steps = 0; packages_work(packages); steps++)
                assert(steps < 64 + n);
        packages_stats(packages, &stats);
        assert(stats.n_built == 1 && stats.n_packages == 1 && stats.n_files <= n_list);

        snprintf(path, sizeof(path), "%s/bin/a", root);
        assert(stat(path, &st) == 0);
        file.inode = st.st_ino;
        if (packages_find(packages, "/bin/a", &file, NSEC_PER_SEC, &package) == PACKAGE_OWNED)
                assert(streq(package.name, "some:amd64"));
        packages_free(packages);
        return 0;
}
