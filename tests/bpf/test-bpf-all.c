/* SPDX-License-Identifier: Apache-2.0 */
/* test-bpf-all [SUBJECT,...]: subjects of suite bpf, or those of LAB_SUBJECTS in the environment, or all, in one
 * process.
 *
 * The programs in the kernel are loaded once, for all subjects that ask for no options of their own, and what the next
 * one watches is a reload: in emulated machines the verifier would take most of the time otherwise. Says `== NAME` and
 * `-- NAME STATUS, SECONDS s` as tests/vm/init.c does. A subject that crashes takes the rest with it. */
#include "base/clock.h"
#include "base/macro.h"

#include "lab.h"

/* main() of each, in the order in which they run. */
#define SUBJECT(name) int bpf_##name(void);
SUBJECTS
#undef SUBJECT

static const struct subject {
        const char *name;
        int (*run)(void);
} subjects[] = {
#define SUBJECT(name) {#name, bpf_##name},
        SUBJECTS
};

/* Among words joined by commas? */
static bool is_wanted(const char *name, const char *wanted) {
        size_t n = strlen(name);

        for (; wanted; wanted = strchr(wanted, ',')) {
                wanted += *wanted == ',';
                if (strncmp(wanted, name, n) == 0 && (wanted[n] == ',' || !wanted[n]))
                        return true;
        }
        return false;
}

int main(int argc, char **argv) {
        const char *wanted = argc > 1 ? argv[1] : getenv("LAB_SUBJECTS");
        int worst = EXIT_SUCCESS;

        setvbuf(stdout, NULL, _IOLBF, 0);
        lab_keep = true;
        for (size_t i = 0; i < ELEMENTSOF(subjects); i++) {
                uint64_t began_ns = clock_boottime_ns();
                int status;

                if (wanted && !is_wanted(subjects[i].name, wanted))
                        continue;
                printf("== %s\n", subjects[i].name);
                status = subjects[i].run();
                printf("\n-- %s %d, %.1f s\n", subjects[i].name, status, (clock_boottime_ns() - began_ns) / 1e9);
                if (status != EXIT_SUCCESS)
                        worst = EXIT_FAILURE;
        }
        if (lab.capture)
                lab_close();
        return worst;
}
