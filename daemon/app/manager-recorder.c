/* SPDX-License-Identifier: Apache-2.0 */
#include "app/manager-recorder.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "app/manager-private.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/state.h"
#include "base/strbuf.h"
#include "event/trace-file.h"
#include "pipeline/recorder.h"
#include "report/message-ids.h"

#define SUFFIX ".recording"
#define WRITER_NICE 19

static int make_directory(struct manager_recorder *m) {
        int r;

        r = state_path("recordings", m->directory, sizeof(m->directory));
        if (r <= 0)
                return r;
        if (mkdir(m->directory, 0700) < 0 && errno != EEXIST) {
                m->directory[0] = 0;
                return -errno;
        }
        return 0;
}

int manager_recorder_init(struct manager *manager) {
        const struct config *config = &manager->settings.config;
        struct manager_recorder *m = &manager->recorder;
        struct pipeline_options options;
        int r;

        m->pidfd = -1;
        if (config->recorder.memory_bytes == 0)
                return 0;
        pipeline_configure(config, &options);
        r = recorder_new(config->recorder.memory_bytes, &options.table, pipeline_table(manager->pipeline),
                         &m->recorder);
        if (r < 0)
                return r;
        r = make_directory(m);
        if (r < 0)
                log_warning_errno(r, "Cannot make a directory for recordings, none are saved: %m");
        return 0;
}

/* A writer that is at work goes on, without us. */
void manager_recorder_done(struct manager *manager) {
        struct manager_recorder *m = &manager->recorder;

        m->ended = sd_event_source_disable_unref(m->ended);
        if (m->writer > 0)
                m->pidfd = close_fd(m->pidfd);
        m->recorder = recorder_free(m->recorder);
}

void manager_recorder_add(struct manager *manager, const struct event *event) {
        if (manager->recorder.recorder)
                recorder_add(manager->recorder.recorder, event);
}

/* ---- the copy of this process ---- */

static int on_record(const struct event *event, void *userdata) {
        return trace_writer_add(userdata, event);
}

static int write_recording(struct recorder *recorder, const char *file, const char *text) {
        struct trace_host host = {.created_ns = clock_realtime_ns(), .text = text};
        struct trace_writer *writer = NULL;
        struct utsname name = {};
        char new[512];
        int fd, r;

        snprintf(new, sizeof(new), "%s.new", file);
        fd = open(new, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
                return -errno;
        uname(&name);
        host.kernel = name.release;
        r = trace_writer_new(fd, &host, 0, &writer);
        if (r >= 0)
                r = recorder_tell(recorder, on_record, writer);
        if (r >= 0)
                r = trace_writer_flush(writer);
        if (r >= 0 && rename(new, file) < 0)
                r = -errno;
        if (r < 0)
                (void)unlink(new);
        return r;
}

/* ---- here ---- */

static int is_recording(const struct dirent *entry) {
        return endswith(entry->d_name, SUFFIX) != NULL;
}

/* Names begin with the time: the oldest come first. */
static void remove_oldest(const char *directory, uint64_t keep) {
        struct dirent **entries;
        int n = scandir(directory, &entries, is_recording, alphasort);
        char path[512];

        for (int i = 0; i < n; i++) {
                if ((uint64_t)(n - i) > keep &&
                    snprintf(path, sizeof(path), "%s/%s", directory, entries[i]->d_name) < (int)sizeof(path))
                        (void)unlink(path);
                free(entries[i]);
        }
        if (n >= 0)
                free(entries);
}

static void tell_saved(struct manager *manager) {
        struct manager_recorder *m = &manager->recorder;
        _cleanup_(strbuf_done) struct strbuf message = {};
        char number[24];
        const struct report_field fields[] = {
                {"EXECRAY_RECORDING", m->file},
                {"EXECRAY_POLICY", m->policy},
                {"EXECRAY_NUMBER", number},
        };

        snprintf(number, sizeof(number), "%" PRIu64, m->number);
        if (m->policy[0])
                strbuf_printf(&message, "What led to alert %s of %s is saved in '%s'", number, m->policy, m->file);
        else
                strbuf_printf(&message, "The last events are saved in '%s'", m->file);
        if (report_notice(pipeline_report(manager->pipeline), MESSAGE_ID_RECORDED, LOG_NOTICE, strbuf_str(&message),
                          fields, m->policy[0] ? ELEMENTSOF(fields) : 1) <= 0)
                log_notice("%s", strbuf_str(&message));
}

static int on_ended(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        struct manager *manager = userdata;
        struct manager_recorder *m = &manager->recorder;
        siginfo_t info = {};
        int r = 0;

        while (waitid(P_PID, (id_t)m->writer, &info, WEXITED) < 0 && errno == EINTR)
                ;
        r = info.si_code == CLD_EXITED ? -info.si_status : -ECHILD;
        m->ended = sd_event_source_disable_unref(m->ended);
        m->pidfd = close_fd(m->pidfd);
        m->writer = 0;
        if (r < 0) {
                m->n_failed++;
                log_warning_errno(r, "Cannot save the last events in '%s': %m", m->file);
                control_saved(manager->control, r, m->file);
                return 0;
        }
        m->n_saved++;
        remove_oldest(m->directory, manager->settings.config.recorder.keep);
        tell_saved(manager);
        if (!m->policy[0])
                control_saved(manager->control, 0, m->file);
        return 0;
}

static int make_name(struct manager_recorder *m) {
        time_t now = (time_t)(clock_realtime_ns() / NSEC_PER_SEC);
        char when[32], what[64];
        struct tm tm;

        gmtime_r(&now, &tm);
        strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", &tm);
        if (m->policy[0])
                snprintf(what, sizeof(what), "alert-%" PRIu64, m->number);
        else
                snprintf(what, sizeof(what), "asked-%" PRIu64, m->n_saved + m->n_failed + 1);
        return snprintf(m->file, sizeof(m->file), "%s/%s-%s" SUFFIX, m->directory, when, what) < (int)sizeof(m->file)
                     ? 0
                     : -ENAMETOOLONG;
}

static int start_writer(struct manager *manager) {
        struct manager_recorder *m = &manager->recorder;
        uint64_t begun_ns = clock_boottime_ns();
        char text[256];
        int r;

        if (m->policy[0])
                snprintf(text, sizeof(text), "what led to alert %" PRIu64 " of %s\n", m->number, m->policy);
        else
                snprintf(text, sizeof(text), "the last events, as somebody asked\n");

        m->writer = fork();
        if (m->writer < 0) {
                m->writer = 0;
                return -errno;
        }
        if (m->writer == 0) {
                (void)setpriority(PRIO_PROCESS, 0, WRITER_NICE);
                _exit(-write_recording(m->recorder, m->file, text));
        }
        m->fork_max_ns = MAX(m->fork_max_ns, clock_boottime_ns() - begun_ns);

        m->pidfd = pidfd_open(m->writer, 0);
        r = m->pidfd < 0 ? -errno
                         : sd_event_add_io(manager->loop, &m->ended, m->pidfd, EPOLLIN, on_ended, manager);
        if (r >= 0)
                r = sd_event_source_set_description(m->ended, "recorder");
        return r;
}

/* Everything that the alert is about is in the backlog now. */
void manager_recorder_settle(struct manager *manager) {
        struct manager_recorder *m = &manager->recorder;
        int r;

        if (!m->due)
                return;
        m->due = false;
        r = start_writer(manager);
        if (r < 0) {
                m->n_failed++;
                log_warning_errno(r, "Cannot save the last events: %m");
        }
}

/* May be called twice for the same alert: when it is told, and, for those that are not, after that. */
static bool decide(struct manager *manager, const struct match *match) {
        const struct config *config = &manager->settings.config;
        struct manager_recorder *m = &manager->recorder;
        uint64_t now_ns;

        if (!m->recorder || !m->directory[0] || match->summary || match->taken ||
            config->recorder.on_alert == CONFIG_ON_ALERT_OFF ||
            (int)match->path->severity + 1 < (int)config->recorder.on_alert)
                return false;
        if (match->number == m->decided)
                return m->due;
        m->decided = match->number;
        now_ns = clock_boottime_ns();
        if (m->writer > 0 || m->due || (m->last_ns > 0 && now_ns - m->last_ns < config->recorder.interval_ns)) {
                m->n_left_out++;
                return false;
        }
        m->number = match->number;
        snprintf(m->policy, sizeof(m->policy), "%.*s", (int)match->path->name.length,
                 program_text(match->program, match->path->name));
        if (make_name(m) < 0)
                return false;
        m->last_ns = now_ns;
        m->due = true;
        return true;
}

const char *manager_recorder_file(const struct match *match, void *userdata) {
        struct manager *manager = userdata;

        return decide(manager, match) ? manager->recorder.file : NULL;
}

void manager_recorder_on_match(struct manager *manager, const struct match *match) {
        (void)decide(manager, match);
}

int manager_recorder_ask(struct manager *manager, struct strbuf *why) {
        struct manager_recorder *m = &manager->recorder;

        if (!m->recorder || !m->directory[0]) {
                strbuf_printf(why, "Cannot save the last events: %s",
                              m->recorder ? "there is no state directory" : "recorder.memory is 0");
                return -ENOTDIR;
        }
        if (m->writer > 0) {
                strbuf_printf(why, "A recording is being written already, in '%s'", m->file);
                return -EBUSY;
        }
        m->policy[0] = 0;
        if (make_name(m) < 0) {
                strbuf_put(why, "The name of the state directory is too long");
                return -ENAMETOOLONG;
        }
        m->due = true;
        manager_recorder_settle(manager);
        if (m->writer == 0) {
                strbuf_put(why, "Cannot start to save the last events");
                return -EAGAIN;
        }
        return 0;
}

void manager_recorder_put(const struct manager *manager, struct strbuf *b) {
        const struct manager_recorder *m = &manager->recorder;

        if (m->n_saved + m->n_failed + m->n_left_out > 0)
                strbuf_printf(b,
                              "  recordings: %" PRIu64 " saved, %" PRIu64 " left out (recorder.interval), %" PRIu64
                              " failed; the daemon stood still for %.1f ms at most\n",
                              m->n_saved, m->n_left_out, m->n_failed, (double)m->fork_max_ns / NSEC_PER_MSEC);
}
