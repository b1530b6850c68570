/* SPDX-License-Identifier: Apache-2.0 */
#include "action/guard.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "action/guard-executables.h"
#include "action/proc.h"
#include "base/cleanup.h"
#include "base/fd.h"
#include "base/parse.h"
#include "base/strbuf.h"
#include "event/cgroup-path.h"

#define ANCESTORS_MAX 128
#define EXECUTABLES_MAX 1024
#define MEMBERS_MAX 20000               /* of one cgroup */
#define DEPTH_MAX 32
#define PROCS_MAX (1024 * KIB)          /* bytes of one cgroup.procs */

/* Without these nobody gets in, or nothing goes on. */
const char *const guard_executables[] = {
        "/usr/lib/systemd/systemd", "/usr/lib/systemd/systemd-*", "/lib/systemd/systemd", "/lib/systemd/systemd-*",
        "/usr/sbin/sshd",           "/usr/lib/openssh/sshd-*",    "/usr/libexec/openssh/sshd-*",
        "/usr/sbin/agetty",         "/sbin/agetty",               "/usr/sbin/getty",
        "/usr/bin/dbus-daemon",     "/usr/bin/dbus-broker",       "/usr/bin/dbus-broker-launch",
        "/usr/bin/login",           "/bin/login",                 "/usr/sbin/execrayd",
        "/usr/bin/execrayd",
};
const size_t n_guard_executables = ELEMENTSOF(guard_executables);

static const char *const own_units[] = {
        "init.scope",   "execrayd.service", "execrayd-respond@*.service", "execrayd-respond.socket",
        "systemd-*",    "dbus.service",   "dbus-broker.service",  "dbus.socket",
        "ssh.service",  "sshd.service",     "ssh.socket",   "sshd.socket",    "ssh@*.service",        "sshd@*.service",
        "getty@*",      "serial-getty@*",   "console-getty.service",          "container-getty@*",    "-.slice",
        "system.slice", "user.slice",       "-.mount",      "*.target",
};

static int protected(struct strbuf *why, const char *fmt, ...) _printf_(2, 3);
static int protected(struct strbuf *why, const char *fmt, ...) {
        va_list ap;

        if (why) {
                va_start(ap, fmt);
                strbuf_vprintf(why, fmt, ap);
                va_end(ap);
        }
        return -EPERM;
}

/* ---- what the patterns mean here ---- */

static int add_executable(struct guard *guard, const char *pattern) {
        glob_t found = {};
        int r = 0;

        if (glob(pattern, GLOB_NOSORT, NULL, &found) == 0)
                for (size_t i = 0; r >= 0 && i < found.gl_pathc; i++) {
                        struct stat st;
                        struct guard_file file;

                        if (stat(found.gl_pathv[i], &st) < 0 || !S_ISREG(st.st_mode))
                                continue;
                        file = (struct guard_file){st.st_dev, st.st_ino};
                        r = array_push_bounded(&guard->executables, file, EXECUTABLES_MAX);
                }
        globfree(&found);
        return r == -ENOSPC ? 0 : r;    /* the rest is told by the path alone */
}

static int add_starters(struct guard *guard) {
        struct proc_stat stat;
        uint32_t pid = guard->core_pid ?: (uint32_t)getpid();
        int r;

        r = proc_stat_read(pid, &stat);
        if (r < 0)
                return r == -ENOMEM ? r : 0;
        /* A session with a terminal is somebody's; one that the service manager made has none. */
        guard->sid = stat.tty != 0 ? stat.sid : 0;
        for (int i = 0; i < ANCESTORS_MAX && stat.ppid > 1; i++) {
                r = array_push(&guard->starters, stat.ppid);
                if (r < 0)
                        return r;
                r = proc_stat_read(stat.ppid, &stat);
                if (r < 0)
                        return r == -ENOMEM ? r : 0;
        }
        return 0;
}

int guard_init(struct guard *guard, const struct config_list *protect, const struct config_list *files,
               uint32_t core_pid) {
        int r;

        *guard = (struct guard){.protect = protect, .files = files, .core_pid = core_pid};
        if (proc_link(1, "ns/mnt", guard->mount_namespace, sizeof(guard->mount_namespace)) < 0)
                guard->mount_namespace[0] = 0;

        r = add_starters(guard);
        for (size_t i = 0; r >= 0 && i < n_guard_executables; i++)
                r = add_executable(guard, guard_executables[i]);
        for (size_t i = 0; r >= 0 && i < protect->n; i++)
                if (protect->items[i][0] == '/')
                        r = add_executable(guard, protect->items[i]);
        if (r < 0)
                guard_done(guard);
        return r;
}

void guard_done(struct guard *guard) {
        array_done(&guard->starters);
        array_done(&guard->executables);
}

/* ---- processes ---- */

static bool is_listed_executable(const struct guard *guard, const char *path) {
        for (size_t i = 0; i < n_guard_executables; i++)
                if (fnmatch(guard_executables[i], path, FNM_PATHNAME) == 0)
                        return true;
        for (size_t i = 0; i < guard->protect->n; i++)
                if (guard->protect->items[i][0] == '/' && fnmatch(guard->protect->items[i], path, FNM_PATHNAME) == 0)
                        return true;
        return false;
}

static int check_executable(const struct guard *guard, uint32_t pid, struct strbuf *why) {
        char path[PATH_MAX], namespace[64], link[64], *deleted;
        struct stat st;
        ssize_t n;

        snprintf(link, sizeof(link), "/proc/%u/exe", pid);
        if (stat(link, &st) >= 0)
                ARRAY_FOREACH(file, &guard->executables)
                        if (file->device == st.st_dev && file->inode == st.st_ino)
                                return protected(why, "runs an executable that is protected");

        n = proc_link(pid, "exe", path, sizeof(path));
        if (n == -ENOENT)
                return 0;       /* it is about to end; or it has no image, as a kernel thread */
        if (n < 0)
                return (int)n;
        /* A package was upgraded, the old program still runs: its file has gone, its path tells. */
        deleted = (char *)endswith(path, " (deleted)");
        if (deleted)
                *deleted = 0;
        if (!is_listed_executable(guard, path))
                return 0;
        if (proc_link(pid, "ns/mnt", namespace, sizeof(namespace)) < 0 || !guard->mount_namespace[0])
                return protected(why, "runs '%s', which is protected, as far as can be told", path);
        return streq(namespace, guard->mount_namespace) ? protected(why, "runs '%s', which is protected", path) : 0;
}

int guard_unit(const struct guard *guard, const char *unit, struct strbuf *why) {
        for (size_t i = 0; i < ELEMENTSOF(own_units); i++)
                if (fnmatch(own_units[i], unit, 0) == 0)
                        return protected(why, "unit '%s' is protected", unit);
        for (size_t i = 0; i < guard->protect->n; i++)
                if (guard->protect->items[i][0] != '/' && fnmatch(guard->protect->items[i], unit, 0) == 0)
                        return protected(why, "unit '%s' is protected (response.protect)", unit);
        return 0;
}

static int check_cgroup_path(const struct guard *guard, const char *path, struct strbuf *why) {
        char unit[256], name[CGROUP_NAME_MAX];
        struct cgroup_parts parts;

        cgroup_parse(path, strlen(path), false, &parts, name);
        if (parts.unit.length == 0 || parts.unit.length >= sizeof(unit))
                return 0;
        memcpy(unit, path + parts.unit.offset, parts.unit.length);
        unit[parts.unit.length] = 0;
        return guard_unit(guard, unit, why);
}

/* Is it below the core? Its own children are not for scripts. */
static int check_kin(const struct guard *guard, const struct proc_stat *stat, struct strbuf *why) {
        struct proc_stat ancestor = *stat;

        if (stat->pid == (uint32_t)getpid() || (guard->core_pid && stat->pid == guard->core_pid))
                return protected(why, "is execrayd");
        ARRAY_FOREACH(starter, &guard->starters)
                if (*starter == stat->pid)
                        return protected(why, "is what started execrayd");
        if (guard->sid && stat->sid == guard->sid)
                return protected(why, "is in the session that execrayd was started in");
        for (int i = 0; guard->core_pid && i < ANCESTORS_MAX && ancestor.ppid > 1; i++) {
                if (ancestor.ppid == guard->core_pid)
                        return protected(why, "is a child of execrayd");
                if (proc_stat_read(ancestor.ppid, &ancestor) < 0)
                        break;
        }
        return 0;
}

/* Is it a service that is about to begin? That is the service manager's program under the name of what it will run, in
 * brackets; so is whoever keeps a session of PAM open for one. */
static bool is_beginning(const struct proc_stat *stat) {
        static const char *const programs[] = {
                "/usr/lib/systemd/systemd-executor", "/lib/systemd/systemd-executor",   /* since systemd 255 */
                "/usr/lib/systemd/systemd",          "/lib/systemd/systemd",
        };
        char path[PATH_MAX];

        if (stat->name[0] != '(' || proc_link(stat->pid, "exe", path, sizeof(path)) < 0)
                return false;
        for (size_t i = 0; i < ELEMENTSOF(programs); i++)
                if (streq(path, programs[i]))
                        return true;
        return false;
}

/* As a member of a group that has to do with all of it what is about to begin is not the service manager. */
static int check_process(const struct guard *guard, uint32_t pid, bool member, struct strbuf *why) {
        char cgroup[PATH_MAX];
        struct proc_stat stat;
        int r;

        if (pid == 1)
                return protected(why, "is PID 1");
        r = proc_stat_read(pid, &stat);
        if (r < 0)
                return r;
        if (stat.flags & PROC_FLAG_KTHREAD || pid == 2)
                return protected(why, "is a thread of the kernel");
        r = check_kin(guard, &stat, why);
        if (r >= 0 && !(member && is_beginning(&stat)))
                r = check_executable(guard, pid, why);
        if (r < 0)
                return r;
        r = proc_cgroup(pid, cgroup, sizeof(cgroup));
        if (r == -ENODATA)
                return 0;
        return r < 0 ? r : check_cgroup_path(guard, cgroup, why);
}

int guard_process(const struct guard *guard, uint32_t pid, struct strbuf *why) {
        return check_process(guard, pid, false, why);
}

/* ---- cgroups ---- */

static int check_member(const struct guard *guard, uint32_t pid, struct strbuf *why) {
        int r = check_process(guard, pid, true, NULL);

        if (r == -EPERM && why) {
                strbuf_printf(why, "process %u is in it, which ", pid);
                (void)check_process(guard, pid, true, why);
        }
        return r == -ESRCH ? 0 : r;
}

static int check_members(const struct guard *guard, int fd, size_t *n_members, struct strbuf *why) {
        _cleanup_(freep) char *text = NULL;
        size_t n;
        int r;

        r = read_file_at(fd, "cgroup.procs", PROCS_MAX, &text, &n);
        if (r == -EOPNOTSUPP)           /* a threaded group: its processes are in the group above it */
                return 0;
        if (r < 0)
                return r == -EFBIG ? -E2BIG : r;
        for (char *line = text, *next; *line; line = next) {
                uint64_t pid;

                next = strchrnul(line, '\n');
                r = parse_u64_n(line, (size_t)(next - line), 0, INT32_MAX, &pid);
                if (*next)
                        next++;
                if (r < 0)
                        return -EBADMSG;
                if (++*n_members > MEMBERS_MAX)
                        return -E2BIG;
                if (pid == 0)
                        return protected(why, "a process of another pid namespace is in it");
                r = check_member(guard, (uint32_t)pid, why);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int check_tree(const struct guard *guard, int fd, int depth, size_t *n_members, struct strbuf *why) {
        _cleanup_(closedirp) DIR *dir = NULL;
        struct dirent *entry;
        int r;

        if (depth > DEPTH_MAX)
                return -E2BIG;
        r = check_members(guard, fd, n_members, why);
        if (r < 0)
                return r;
        r = fd_open_directory(fd, ".", &dir);
        if (r < 0)
                return r;
        while ((entry = readdir(dir))) {
                _cleanup_(closep) int child = -1;

                if (entry->d_type != DT_DIR || streq(entry->d_name, ".") || streq(entry->d_name, ".."))
                        continue;
                child = openat(fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
                if (child < 0 && errno == ENOENT)
                        continue;
                if (child < 0)
                        return -errno;
                r = check_tree(guard, child, depth + 1, n_members, why);
                if (r < 0 && r != -ENODEV)      /* it was removed meanwhile */
                        return r;
        }
        return 0;
}

int guard_cgroup(const struct guard *guard, int fd, const char *path, struct strbuf *why) {
        size_t n_members = 0;
        int r;

        if (streq(path, "/"))
                return protected(why, "is the root of the hierarchy");
        r = check_cgroup_path(guard, path, why);
        return r < 0 ? r : check_tree(guard, fd, 0, &n_members, why);
}

int guard_cgroup_path(const struct guard *guard, const char *path, struct strbuf *why) {
        _cleanup_(freep) uint32_t *pids = NULL;
        char cgroup[PATH_MAX];
        size_t n;
        int r;

        if (streq(path, "/"))
                return protected(why, "is the root of the hierarchy");
        r = proc_list(&pids, &n);
        for (size_t i = 0; r >= 0 && i < n; i++) {
                const char *rest;

                if (proc_cgroup(pids[i], cgroup, sizeof(cgroup)) < 0)
                        continue;
                rest = startswith(cgroup, path);
                if (rest && (*rest == 0 || *rest == '/'))
                        r = check_member(guard, pids[i], why);
        }
        return r;
}

/* ---- files ---- */

int guard_file(const struct guard *guard, const char *path, struct strbuf *why) {
        for (size_t i = 0; i < guard->files->n; i++) {
                const char *rest = startswith(path, guard->files->items[i]);

                if (rest && (*rest == 0 || *rest == '/' || endswith(guard->files->items[i], "/")))
                        return protected(why, "'%s' is protected (response.protect_files)", guard->files->items[i]);
        }
        return 0;
}
