/* SPDX-License-Identifier: Apache-2.0 */
/* Init - the first process of a machine that lives as long as the tests in its /tests take.
 *
 * Mounts what a booted system has, loads the modules in /modules, runs the tests one after the other, and switches off.
 * Speaks to the serial port that the kernel's command line names (port=), the kernel has another: `== NAME` before a
 * test, `-- NAME STATUS, SECONDS s` after it, `== all` at the end. What does not end is killed, with all that it
 * started. */
#include <dirent.h>
#include <fcntl.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "base/macro.h"

/* With one test, by a clock that an emulator on a busy host lets run up to three times as fast; run.py looks after the
 * whole. */
#define PATIENCE_SECONDS 3000

/* The root that the kernel unpacked us to has nothing below it, and no process may pivot from it. The same on top of
 * itself has. */
static void root_on_root(void) {
        if (mount("/", "/root", NULL, MS_BIND, NULL) < 0 || chdir("/root") < 0 ||
            mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0)
                perror("root");
}

static void mount_all(void) {
        static const struct {
                const char *type, *where;
        } mounts[] = {
                {"devtmpfs", "/dev"},
                {"proc", "/proc"},
                {"sysfs", "/sys"},
                {"tracefs", "/sys/kernel/tracing"},
                {"bpf", "/sys/fs/bpf"},
                {"cgroup2", "/sys/fs/cgroup"},
                {"tmpfs", "/tmp"},
                {"devpts", "/dev/pts"},
        };

        for (size_t i = 0; i < ELEMENTSOF(mounts); i++) {
                (void)mkdir(mounts[i].where, 0755);
                if (mount(mounts[i].type, mounts[i].where, mounts[i].type, 0, NULL) < 0)
                        perror(mounts[i].where);
        }
}

static void loopback_up(void) {
        struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0)
                perror("lo");
        close(fd);
}

static void load_module(const char *path) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);

        if (fd < 0 || syscall(SYS_finit_module, fd, "", 0) < 0)
                perror(path);
        close(fd);
}

static time_t now_seconds(void) {
        struct timespec now = {};

        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        return now.tv_sec;
}

/* What the shell would say: the exit status, or 128 and the signal. */
static int run_test(const char *path) {
        char *const argv[] = {(char *)path, NULL};
        time_t until = now_seconds() + PATIENCE_SECONDS;
        int status = 0;
        pid_t pid;

        pid = fork();
        if (pid == 0) {
                setsid();
                execv(path, argv);
                perror(path);
                _exit(127);
        }
        if (pid < 0)
                return 127;

        /* Orphans come to us as well, and are nobody's result. */
        for (bool late = false;;) {
                int ended_with;
                pid_t ended = waitpid(-1, &ended_with, WNOHANG);

                if (ended == pid) {
                        status = ended_with;
                        break;
                }
                if (ended != 0)
                        continue;
                if (!late && now_seconds() > until) {
                        printf("Not done after %d seconds, killed\n", PATIENCE_SECONDS);
                        late = true;
                        (void)kill(-1, SIGKILL);
                }
                usleep(10000);
        }
        (void)kill(-1, SIGKILL);
        while (waitpid(-1, NULL, 0) > 0)
                ;
        return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void for_each_file(const char *directory, void (*each)(const char *path)) {
        struct dirent **entries = NULL;
        int n = scandir(directory, &entries, NULL, alphasort);

        for (int i = 0; i < n; i++) {
                char path[512];

                if (entries[i]->d_name[0] == '.')
                        continue;
                snprintf(path, sizeof(path), "%s/%s", directory, entries[i]->d_name);
                each(path);
        }
}

static void tell_test(const char *path) {
        const char *name = strrchr(path, '/') + 1;
        time_t began = now_seconds();
        int status;

        printf("== %s\n", name);
        fflush(stdout);
        status = run_test(path);
        printf("\n-- %s %d, %ld s\n", name, status, (long)(now_seconds() - began));
        fflush(stdout);
}

int main(void) {
        struct termios port;
        char path[64];
        int fd, null;

        root_on_root();
        mount_all();
        snprintf(path, sizeof(path), "/dev/%s", getenv("port") ?: "ttyS1");
        fd = open(path, O_WRONLY | O_NOCTTY);
        null = open("/dev/null", O_RDONLY);
        if (tcgetattr(fd, &port) >= 0) {
                cfmakeraw(&port);
                (void)tcsetattr(fd, TCSANOW, &port);
        }
        dup2(null, STDIN_FILENO);
        dup2(fd, STDOUT_FILENO);
        dup2(fd, STDERR_FILENO);
        close(fd);
        close(null);

        setenv("EMULATED", "1", true);  /* for those who measure */
        setenv("PATH", "/bin", true);
        setenv("HOME", "/", true);
        loopback_up();
        for_each_file("/modules", load_module);
        for_each_file("/tests", tell_test);
        printf("== all\n");
        fflush(stdout);
        (void)tcdrain(STDOUT_FILENO);
        (void)reboot(RB_POWER_OFF);
        return 1;
}
