/* SPDX-License-Identifier: Apache-2.0 */
/* test-bpf-all [SUBJECT,...]: subjects of suite bpf, or those of LAB_SUBJECTS in the environment, or all, in one
 * process.
 *
 * The programs in the kernel are loaded once, for all subjects that ask for no options of their own, and what the next
 * one watches is a reload: in emulated machines the verifier would take most of the time otherwise. Says `-- NAME
 * STATUS, SECONDS s` as tests/vm/init.c does, and of a subject that failed what it said, its failed tests first.
 *
 * That process is a child. If a subject crashes those that follow have another. Who fails is tried once more, alone in
 * a process of its own; if it passes then, a line `unsteady: NAME: ...` says what had failed, and it counts as passed.
 */
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/macro.h"

#include "lab.h"

#define SKIPPED 77

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

#define N_SUBJECTS ELEMENTSOF(subjects)

enum outcome { TO_RUN, PASSED, FAILED };

struct said {
        char *text;                     /* owned */
        size_t n;
};

static enum outcome outcomes[N_SUBJECTS];
static char why[N_SUBJECTS][512];       /* the first test that failed */
static bool in_full;                    /* all that subjects say, at once */

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

/* ---- the child ---- */

static _Noreturn void run_subjects(size_t from, size_t to) {
        lab_keep = true;
        for (size_t i = from; i < to; i++) {
                uint64_t began_ns = clock_boottime_ns();
                int status;

                if (outcomes[i] != TO_RUN)
                        continue;
                printf("== %s\n", subjects[i].name);
                status = subjects[i].run();
                printf("\n-- %s %d, %.1f s\n", subjects[i].name, status, (clock_boottime_ns() - began_ns) / 1e9);
        }
        if (lab.capture)
                lab_close();
        exit(EXIT_SUCCESS);
}

/* ---- the parent, which reads what it says ---- */

static void add(struct said *said, const char *line) {
        size_t n = strlen(line);
        char *text = realloc(said->text, said->n + n + 1);

        if (!text)
                return;
        memcpy(text + said->n, line, n + 1);
        said->text = text;
        said->n += n;
}

static void clear(struct said *said) {
        free(said->text);
        *said = (struct said){};
}

static bool is_failure(const char *line) {
        return strstr(line, ":F:bpf/") || strstr(line, ": not so: ") || strstr(line, "ERROR: ");
}

static void end_subject(size_t i, bool passed, const struct said *said, const struct said *failures, const char *line) {
        outcomes[i] = passed ? PASSED : FAILED;
        if (!passed) {
                size_t n = failures->text ? strcspn(failures->text, "\n") : 0;

                snprintf(why[i], sizeof(why[i]), "%.*s", (int)MIN(n, sizeof(why[i]) - 1), n ? failures->text : "");
                if (n == 0)
                        snprintf(why[i], sizeof(why[i]), "%.*s", (int)strcspn(line, "\n"), line);
                if (!in_full)
                        printf("== %s\n%s%s%s", subjects[i].name, failures->text ?: "", said->text ?: "",
                               failures->text ?: "");
        }
        if (!in_full)
                fputs(line, stdout);
}

/* Returns the status with which the child ended. */
static int read_all(FILE *from, pid_t child) {
        struct said said = {}, failures = {};
        size_t at = N_SUBJECTS, size = 0;
        char *line = NULL, name[64];
        int status;

        while (getline(&line, &size, from) >= 0) {
                int failed;

                if (in_full)
                        fputs(line, stdout);
                if (sscanf(line, "== %63s", name) == 1) {
                        for (at = 0; at < N_SUBJECTS && !streq(subjects[at].name, name); at++)
                                ;
                } else if (at < N_SUBJECTS && sscanf(line, "-- %63s %d,", name, &failed) == 2 &&
                           streq(name, subjects[at].name)) {
                        end_subject(at, failed == EXIT_SUCCESS, &said, &failures, line);
                        clear(&said);
                        clear(&failures);
                        at = N_SUBJECTS;
                } else {
                        if (is_failure(line))
                                add(&failures, line);
                        if (!in_full && strncmp(line, "cost\t", 5) == 0)
                                fputs(line, stdout);
                        else if (*line != '\n')
                                add(&said, line);
                }
        }
        free(line);
        (void)waitpid(child, &status, 0);
        if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED)
                fputs(said.text ?: "", stdout);
        else if (at < N_SUBJECTS) {
                char end[128];

                snprintf(end, sizeof(end), "-- %.63s %d, ended by status %x\n", subjects[at].name, EXIT_FAILURE,
                         status);
                if (in_full)
                        fputs(end, stdout);
                end_subject(at, false, &said, &failures, end);
        } else if (status != 0)
                printf("The process of all subjects ended by status %x\n%s", status, said.text ?: "");
        clear(&said);
        clear(&failures);
        return status;
}

static int run_child(size_t from, size_t to) {
        int pipe_fds[2], status;
        FILE *file;
        pid_t pid;

        fflush(NULL);
        if (pipe2(pipe_fds, O_CLOEXEC) < 0)
                return -1;
        pid = fork();
        if (pid < 0)
                return -1;
        if (pid == 0) {
                (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                (void)dup2(pipe_fds[1], STDOUT_FILENO);
                (void)dup2(pipe_fds[1], STDERR_FILENO);
                close(pipe_fds[0]);
                close(pipe_fds[1]);
                setvbuf(stdout, NULL, _IOLBF, 0);
                run_subjects(from, to);
        }
        close(pipe_fds[1]);
        file = fdopen(pipe_fds[0], "r");
        if (!file)
                return -1;
        status = read_all(file, pid);
        fclose(file);
        return status;
}

static bool is_left(void) {
        for (size_t i = 0; i < N_SUBJECTS; i++)
                if (outcomes[i] == TO_RUN)
                        return true;
        return false;
}

int main(int argc, char **argv) {
        const char *wanted = argc > 1 ? argv[1] : getenv("LAB_SUBJECTS");
        int worst = EXIT_SUCCESS, status = 0;

        setvbuf(stdout, NULL, _IOLBF, 0);
        in_full = getenv("EMULATED") || getenv("LAB_DEBUG");
        for (size_t i = 0; i < N_SUBJECTS; i++)
                outcomes[i] = !wanted || is_wanted(subjects[i].name, wanted) ? TO_RUN : PASSED;

        /* Each child that crashes takes one subject with it. */
        for (size_t n = 0; n <= N_SUBJECTS && is_left(); n++) {
                status = run_child(0, N_SUBJECTS);
                if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED)
                        return SKIPPED;
        }
        if (status != 0 || is_left())
                worst = EXIT_FAILURE;
        for (size_t i = 0; i < N_SUBJECTS; i++) {
                if (outcomes[i] != FAILED)
                        continue;
                outcomes[i] = TO_RUN;
                (void)run_child(i, i + 1);
                printf("%s: %s: %s\n", outcomes[i] == PASSED ? "unsteady" : "failed twice", subjects[i].name, why[i]);
                if (outcomes[i] != PASSED)
                        worst = EXIT_FAILURE;
        }
        return worst;
}
