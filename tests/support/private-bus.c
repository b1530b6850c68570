/* SPDX-License-Identifier: Apache-2.0 */
#include "private-bus.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <check.h>

#define DAEMON "/usr/bin/dbus-daemon"
#define TRIES 500                       /* of 10 ms */

static const char *place;
static pid_t daemon_pid;

bool private_bus_may(void) {
        return access(DAEMON, X_OK) >= 0;
}

void private_bus_use(const char *directory) {
        char address[160];

        place = directory;
        snprintf(address, sizeof(address), "unix:path=%s/bus", place);
        setenv("DBUS_SYSTEM_BUS_ADDRESS", address, 1);
}

static void write_config(const char *path) {
        FILE *file = fopen(path, "we");

        ck_assert_ptr_nonnull(file);
        fprintf(file,
                "<busconfig><type>system</type><listen>unix:path=%s/bus</listen><policy context=\"default\">"
                "<allow user=\"*\"/><allow own=\"*\"/><allow send_type=\"method_call\"/>"
                "<allow send_type=\"method_return\"/><allow send_type=\"error\"/><allow send_type=\"signal\"/>"
                "<allow receive_type=\"method_call\"/><allow receive_type=\"method_return\"/>"
                "<allow receive_type=\"error\"/><allow receive_type=\"signal\"/></policy></busconfig>",
                place);
        fclose(file);
}

void private_bus_start(void) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        char option[160];
        int r = -1;

        snprintf(address.sun_path, sizeof(address.sun_path), "%s/bus", place);
        snprintf(option, sizeof(option), "--config-file=%s/config", place);
        (void)unlink(address.sun_path);
        write_config(strchr(option, '=') + 1);
        daemon_pid = fork();
        if (daemon_pid == 0) {
                sigset_t none;

                sigemptyset(&none);
                sigprocmask(SIG_SETMASK, &none, NULL);
                execl(DAEMON, "dbus-daemon", option, "--nofork", "--nosyslog", NULL);
                _exit(127);
        }
        for (int i = 0; i < TRIES && r < 0; i++) {
                int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

                r = connect(fd, (struct sockaddr *)&address, sizeof(address));
                close(fd);
                if (r < 0)
                        usleep(10000);
        }
        ck_assert_msg(r >= 0, "the bus daemon does not listen");
}

void private_bus_stop(void) {
        if (daemon_pid > 0) {
                kill(daemon_pid, SIGKILL);
                waitpid(daemon_pid, NULL, 0);
        }
        daemon_pid = 0;
}
