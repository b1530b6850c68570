/* SPDX-License-Identifier: Apache-2.0 */
#include "app/manager-keep.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <systemd/sd-bus.h>
#include <systemd/sd-daemon.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/macro.h"
#include "event/trace-file.h"
#include "pipeline/pipeline.h"

#define NAME "execrayd-capture"

/* The service manager's own socket: the bus may be away, as at the end of a machine. */
#define MANAGER "unix:path=/run/systemd/private"
#define DESTINATION "org.freedesktop.systemd1"
#define TABLE_MAX_BYTES (256U << 20)
#define PATIENCE_US 1000000


static bool has_store(void) {
        const char *store = getenv("FDSTORE");

        return getenv("NOTIFY_SOCKET") && store && atoi(store) > 0;
}

/* What is in the store and not known to us is another version's, and is let go. */
static void take(struct manager_keep *keep) {
        char **names = NULL;
        int n = sd_listen_fds_with_names(true, &names);

        for (int i = 0; i < n; i++) {
                int fd = SD_LISTEN_FDS_START + i;

                if (streq(names[i], NAME) && keep->ends.before < 0)
                        keep->ends.before = fd;
                else
                        close_fd(fd);
                free(names[i]);
        }
        free(names);
}

void manager_keep_init(struct manager_keep *keep) {
        int ends[2];

        *keep = (struct manager_keep){.ends = {.queue = -1, .send = -1, .before = -1}};
        take(keep);
        if (!has_store())
                return;
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0) {
                log_warning_errno(-errno, "Cannot make a queue for what the next process could go on with: %m");
                return;
        }
        keep->ends.queue = ends[0];
        keep->ends.send = ends[1];
        keep->on = true;
}

void manager_keep_done(struct manager_keep *keep) {
        keep->ends.queue = close_fd(keep->ends.queue);
        keep->ends.send = close_fd(keep->ends.send);
        keep->ends.before = close_fd(keep->ends.before);
        keep->on = false;
}

/* FDPOLL=0: its other end is gone with us, and it is to stay. */
void manager_keep_store(struct manager_keep *keep) {
        int r;

        if (!keep->on)
                return;
        (void)sd_notify(0, "FDSTOREREMOVE=1\nFDNAME=" NAME);
        r = sd_pid_notify_with_fds(0, 0, "FDSTORE=1\nFDPOLL=0\nFDNAME=" NAME, &keep->ends.queue, 1);
        if (r < 0)
                log_warning_errno(r, "Cannot give the service manager what the next process could go on with: %m");
}

static int connect_manager(sd_bus **ret) {
        _cleanup_(sd_bus_close_unrefp) sd_bus *bus = NULL;
        int r;

        r = sd_bus_new(&bus);
        if (r >= 0)
                r = sd_bus_set_address(bus, MANAGER);
        if (r >= 0)
                r = sd_bus_set_method_call_timeout(bus, PATIENCE_US);
        if (r >= 0)
                r = sd_bus_start(bus);
        if (r >= 0)
                *ret = TAKE_PTR(bus);
        return r;
}

/* What is being done with our unit: "restart", "stop"; "" if nothing is. */
static int job_type(char type[static 32]) {
        _cleanup_(sd_bus_close_unrefp) sd_bus *bus = NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *unit = NULL, *job = NULL;
        _cleanup_(freep) char *what = NULL;
        const char *path;
        uint32_t id;
        int r;

        type[0] = 0;
        r = connect_manager(&bus);
        if (r >= 0)
                r = sd_bus_call_method(bus, DESTINATION, "/org/freedesktop/systemd1", DESTINATION ".Manager",
                                       "GetUnitByPID", NULL, &unit, "u", (uint32_t)getpid());
        if (r >= 0)
                r = sd_bus_message_read(unit, "o", &path);
        if (r >= 0)
                r = sd_bus_get_property(bus, DESTINATION, path, DESTINATION ".Unit", "Job", NULL, &job, "(uo)");
        if (r >= 0)
                r = sd_bus_message_read(job, "(uo)", &id, &path);
        if (r < 0 || id == 0)
                return r;
        r = sd_bus_get_property_string(bus, DESTINATION, path, DESTINATION ".Job", "JobType", NULL, &what);
        if (r >= 0)
                strncpy(type, what, 31);
        return r;
}

bool manager_keep_has_heir(const struct manager_keep *keep) {
        char type[32] = {};

        return keep->on && (job_type(type) < 0 || strstr(type, "restart"));
}

static int on_record(const struct event *event, void *userdata) {
        return trace_writer_add(userdata, event);
}

int manager_keep_write_table(struct pipeline *pipeline) {
        _cleanup_(closep) int fd = memfd_create("execrayd-table", MFD_CLOEXEC);
        struct trace_host host = {.created_ns = clock_realtime_ns()};
        struct trace_writer *writer;
        struct utsname name = {};
        int copy, r;

        copy = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        if (copy < 0)
                return -errno;
        uname(&name);
        host.kernel = name.release;
        r = trace_writer_new(copy, &host, TABLE_MAX_BYTES, &writer);
        if (r < 0)
                return r;
        r = pipeline_retell(pipeline, on_record, writer);
        if (r >= 0)
                r = trace_writer_flush(writer);
        trace_writer_free(writer);
        return r < 0 ? r : TAKE_FD(fd);
}

const struct capture_keep *manager_keep_ends(const struct manager_keep *keep) {
        return keep->on ? &keep->ends : NULL;
}
