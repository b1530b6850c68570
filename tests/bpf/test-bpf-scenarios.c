/* SPDX-License-Identifier: Apache-2.0 */
/* The table of scenarios (scenarios.def) over each tier that this kernel has. The lab replays what it saw, so each of
 * them is one of replay, too. */
#include <arpa/inet.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/xattr.h>

#include <linux/vm_sockets.h>           /* needs sys/socket.h */

#include "base/macro.h"

#include "lab.h"

#define NOT_HERE 77                     /* of an action: this machine has no such thing */

enum source {
        KERNEL,
        USER,
        UNKNOWN,
};

/* ---- what is done, in the lab's directory ---- */

static int unlink_by_way(void) {
        return unlink("way/gone");
}

static int rmdir_by_way(void) {
        return rmdir("way/empty");
}

static int rename_by_way(void) {
        return rename("way/from", "way/to");
}

static int link_by_way(void) {
        return link("way/one", "way/two");
}

static int symlink_by_way(void) {
        return symlink("nowhere", "way/made");
}

static int mkdir_by_way(void) {
        return mkdir("way/new", 0700);
}

static int mknod_by_way(void) {
        return mknod("way/pipe", S_IFIFO | 0600, 0);
}

static int chmod_link(void) {
        return chmod("link", 0604);
}

static int chown_link(void) {
        return chown("link", 1, 2);
}

static int truncate_link(void) {
        return truncate("link", 3);
}

static int setxattr_link(void) {
        return setxattr("link", "trusted.x", "value", 5, 0) < 0 ? NOT_HERE : 0;
}

static int setxattr_caps(void) {
        struct vfs_cap_data caps = {
                .magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE,
                .data = {{.permitted = 0x2000}},
        };

        return setxattr("link", "security.capability", &caps, sizeof(caps), 0) < 0 ? NOT_HERE : 0;
}

static int removexattr_link(void) {
        return removexattr("link", "trusted.x") < 0 ? NOT_HERE : 0;
}

static int utimes_link(void) {
        struct timespec times[2] = {{.tv_sec = 1000, .tv_nsec = 7}, {.tv_sec = 2000}};

        return utimensat(AT_FDCWD, "link", times, 0);
}

static int exec_script(void) {
        execl(lab_path("real/script"), "script", NULL);
        return -1;
}

static void *stand_by(void *argument) {
        pause();
        return NULL;
}

/* From here on descriptors are shared. */
static int begin_thread(void) {
        pthread_t thread;

        return pthread_create(&thread, NULL, stand_by, NULL);
}

static int open_with_threads(void) {
        return begin_thread() != 0 || open("link", O_RDONLY | O_CLOEXEC) < 0;
}

static int call_unix(int (*call)(int, const struct sockaddr *, socklen_t), const char *name, int error) {
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct sockaddr_un un = {.sun_family = AF_UNIX};

        strcpy(un.sun_path, name);
        return call(fd, (void *)&un, sizeof(un)) >= 0 || errno != error;
}

static int connect_to_nothing(void) {
        return call_unix(connect, "way/none", ENOENT);
}

static int bind_again(void) {
        return call_unix(bind, "way/one", EADDRINUSE);
}

/* A socket that listens on a port of its own, and its address. */
static int listen_somewhere(struct sockaddr_in *in) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        socklen_t size = sizeof(*in);

        *in = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        if (bind(fd, (void *)in, sizeof(*in)) < 0 || listen(fd, 4) < 0 || getsockname(fd, (void *)in, &size) < 0)
                return -1;
        return fd;
}

static int connect_twice(void) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct sockaddr_in in;

        return listen_somewhere(&in) < 0 || connect(fd, (void *)&in, sizeof(in)) < 0 ||
                connect(fd, (void *)&in, sizeof(in)) >= 0 || errno != EISCONN;
}

static int connect_with_threads(void) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), listener;
        struct sockaddr_in in;

        listener = listen_somewhere(&in);
        close(listener);
        return begin_thread() != 0 || connect(fd, (void *)&in, sizeof(in)) >= 0 || errno != ECONNREFUSED;
}

static int connect_vsock(void) {
        struct sockaddr_vm vm = {.svm_family = AF_VSOCK, .svm_cid = 77, .svm_port = 4444};
        int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);

        return fd < 0 || connect(fd, (void *)&vm, sizeof(vm)) >= 0 || errno != ENODEV ? NOT_HERE : 0;
}

/* ---- the table ---- */

enum seen_type {
        SEEN_END,
        SEEN_FIELD,
        SEEN_RACED,
};

static const struct scenario {
        const char *name;
        int (*action)(void);
        enum wire_kind kind;
        int result;
        struct seen {                   /* [0] with security hooks, [1] without */
                enum seen_type type;
                int field;
                enum source source[2];
                const char *value[2];
                bool raced[2];
        } seen[8];
} scenarios[] = {
#define SCENARIO(id, kind, result, what) {#id, id, WIRE_KIND_##kind, result, {
#define SEEN(kind, field, with, with_value, without, without_value)                                                    \
        {SEEN_FIELD, WIRE_FIELD_##kind##_##field, {with, without}, {with_value, without_value}, {}},
#define MAY_BE_RACED(kind, with, without) {SEEN_RACED, 0, {}, {}, {with, without}},
#define END_SCENARIO(id) }},
#include "scenarios.def"
};

/* Files that actions find, and what they were before. */
static const struct {
        const char *name;
        mode_t mode;
} files[] = {
        {"real/one", S_IFREG | 0640}, {"real/gone", S_IFREG | 0600}, {"real/empty", S_IFDIR | 0700},
        {"real/from", S_IFREG | 0600}, {"real/to", S_IFREG | 0600}, {"real/script", S_IFREG | 0700},
};

static struct stat stats[ELEMENTSOF(files)];

static void make_files(void) {
        ck_assert_int_eq(mkdir(lab_path("real"), 0755), 0);
        ck_assert_int_eq(symlink("real", lab_path("way")), 0);
        ck_assert_int_eq(symlink("real/one", lab_path("link")), 0);
        for (size_t i = 0; i < ELEMENTSOF(files); i++) {
                const char *path = lab_path(files[i].name);

                if (S_ISDIR(files[i].mode))
                        ck_assert_int_eq(mkdir(path, files[i].mode & 0777), 0);
                else
                        lab_write_file(path, "#!/bin/true\n", files[i].mode & 0777);
                ck_assert_int_eq(stat(path, &stats[i]), 0);
        }
}

static void remove_files(void) {
        static const char *const made[] = {"real/two", "real/made", "real/new", "real/pipe", "way", "link"};

        for (size_t i = 0; i < ELEMENTSOF(made); i++)
                (void)remove(lab_path(made[i]));
        for (size_t i = 0; i < ELEMENTSOF(files); i++)
                (void)remove(lab_path(files[i].name));
        ck_assert_int_eq(rmdir(lab_path("real")), 0);
}

static bool is_value(const struct wire_header *record, int field, const char *value) {
        if (!value)
                return true;
        if (*value == '@') {
                for (size_t i = 0; i < ELEMENTSOF(files); i++)
                        if (streq(files[i].name, value + 1))
                                return lab_is_file(lab_object(record, field), &stats[i]);
                return false;
        }
        if (schema_field((enum field)field)->type == VALUE_NUMBER)
                return lab_number(record, field) == strtoll(value, NULL, 0);
        return streq(lab_text(record, field), startswith(value, "~/") ? lab_path(value + 2) : value);
}

static void check_seen(const struct scenario *scenario, const struct wire_header *record, const struct seen *seen,
                       bool without) {
        const char *name;
        uint64_t bit;

        if (seen->type == SEEN_RACED) {
                ck_assert_msg(!!(record->flags & WIRE_RACED) == seen->raced[without], "%s: RACED", scenario->name);
                return;
        }
        name = schema_field((enum field)seen->field)->name;
        bit = UINT64_C(1) << schema_field((enum field)seen->field)->bit;
        ck_assert_msg(lab_known(record, seen->field) == (seen->source[without] != UNKNOWN), "%s: %s is %sknown",
                      scenario->name, name, lab_known(record, seen->field) ? "" : "un");
        ck_assert_msg(!(record->user & bit) == (seen->source[without] != USER), "%s: %s is %s", scenario->name, name,
                      record->user & bit ? "the caller's" : "the kernel's");
        ck_assert_msg(is_value(record, seen->field, seen->value[without]), "%s: %s", scenario->name, name);
}

static void run_scenario(const struct scenario *scenario, bool without) {
        const struct wire_header *record = NULL;
        pid_t pid = lab_fork();

        if (pid == 0)
                _exit(chdir(lab.directory) < 0 ? 99 : scenario->action());
        lab_reap(pid);
        if (WIFEXITED(lab.status) && WEXITSTATUS(lab.status) == NOT_HERE) {
                printf("%s: not here, not tried\n", scenario->name);
                return;
        }
        ck_assert_msg(lab.status == 0, "%s: status %x", scenario->name, lab.status);
        for (size_t i = 0; i < lab_count(scenario->kind, pid) && !record; i++) {
                const struct wire_header *found = lab_find(scenario->kind, pid, i);

                if (scenario->result == 0 ? found->result >= 0 : found->result == scenario->result)
                        record = found;
        }
        ck_assert_msg(record != NULL, "%s: not told", scenario->name);
        for (const struct seen *seen = scenario->seen; seen->type != SEEN_END; seen++)
                check_seen(scenario, record, seen, without);
        lab_forget();
}

/* With the best tier that may be used, if this kernel has it. */
static void run_table(enum capture_tier tier, const char *prefix) {
        struct capture_options options = {.tier = tier};
        struct interest interest;
        char text[16384];
        uint64_t kinds = 0;

        if (tier < lab_tier()) {
                printf("%s: not wanted, not tried\n", prefix);
                return;
        }
        if (tier == CAPTURE_TIER_TRACEPOINT && tier != lab_tier() && lab_is_quick())
                return; /* another load; LAB_TIER=tracepoint wants it, and where there is no other it is */
        for (size_t i = 0; i < ELEMENTSOF(scenarios); i++)
                kinds |= UINT64_C(1) << scenarios[i].kind;
        interest = lab_interest(kinds);
        if (tier == lab_tier())
                lab_watch(&interest);   /* the one that is open, perhaps */
        else
                lab_open(&interest, &options);
        capture_describe(lab.capture, text, sizeof(text));
        if (tier != CAPTURE_TIER_TRACEPOINT && !strstr(text, prefix)) {
                printf("%s: the kernel has no such tier, not tried\n", prefix);
                lab_close();
                return;
        }
        ck_assert(!strstr(text, "lsm/") || tier == CAPTURE_TIER_LSM);
        ck_assert(!strstr(text, "fentry/") || tier == CAPTURE_TIER_FENTRY);
        make_files();
        for (size_t i = 0; i < ELEMENTSOF(scenarios); i++)
                run_scenario(&scenarios[i], tier == CAPTURE_TIER_TRACEPOINT);
        remove_files();
        printf("%s: %zu scenarios\n", prefix, ELEMENTSOF(scenarios));
        lab_close();                    /* and replay */
}

START_TEST(the_table_is_true_of_the_tracepoint_tier_and_of_its_replay) {
        run_table(CAPTURE_TIER_TRACEPOINT, "tracepoint/");
}
END_TEST

START_TEST(the_table_is_true_of_fentry_and_of_its_replay) {
        run_table(CAPTURE_TIER_FENTRY, "fentry/");
}
END_TEST

START_TEST(the_table_is_true_of_bpf_lsm_and_of_its_replay) {
        run_table(CAPTURE_TIER_LSM, "lsm/");
}
END_TEST

int main(void) {
        const TTest *const tests[] = {
                the_table_is_true_of_bpf_lsm_and_of_its_replay,
                the_table_is_true_of_fentry_and_of_its_replay,
                the_table_is_true_of_the_tracepoint_tier_and_of_its_replay,
        };

        return lab_main("bpf/scenarios", tests, ELEMENTSOF(tests), NULL, NULL);
}
