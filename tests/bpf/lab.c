/* SPDX-License-Identifier: Apache-2.0 */
#include "lab.h"

#include <ctype.h>
#include <ftw.h>
#include <inttypes.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>

#include "base/clock.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/macro.h"
#include "capture/hierarchy.h"

#include "lab-park.h"
#include "lab-replay.h"

struct lab lab;
bool lab_keep;

/* Of the capture that is open: others with these options need no new one. */
static bool plain;
static char *hierarchy;                 /* owned; of that capture */

/* An emulated machine is slow, and its host may be busy. */
#define PATIENCE_NS ((getenv("EMULATED") ? 60 : 20) * NSEC_PER_SEC)

/* A reader that is not let run for a second, on a host where others build, loses nothing by it. An emulated machine has
 * little memory and nobody else on it. */
#define RING_BYTES (getenv("EMULATED") ? 0 : (size_t)16 << 20)
#define N_TRIES 3                       /* of a test that lost records */

/* For what is checked outside of tests, too. */
#define must(condition)                                                                                                \
        do {                                                                                                           \
                if (!(condition)) {                                                                                    \
                        fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                        \
                        abort();                                                                                       \
                }                                                                                                      \
        } while (0)

static void on_event(const struct event *event, void *userdata) {
        struct wire_header *copy;

        /* Of every stream, whatever the test: */
        must(event->number == lab.number + 1);
        must(event->time_ns >= lab.time_ns);
        lab.number = event->number;
        lab.time_ns = event->time_ns;
        lab_replay_see(event);

        if (lab.n == lab.capacity) {
                lab.capacity = lab.capacity * 2 ?: 1024;
                lab.records = reallocarray(lab.records, lab.capacity, sizeof(*lab.records));
                must(lab.records != NULL);
        }
        copy = malloc(event->wire->size);
        must(copy != NULL);
        memcpy(copy, event->wire, event->wire->size);
        lab.records[lab.n++] = copy;
}

uint64_t lab_kinds(const enum wire_kind *kinds) {
        uint64_t set = 0;

        for (; *kinds != WIRE_NONE; kinds++)
                set |= wire_kind_bit(*kinds);
        return set;
}

uint64_t lab_all_kinds(void) {
        static const enum wire_kind hooks[] = {
#define WIRE_KIND_NONE WIRE_NONE
#define HOOK(program, kind, use, place, call) WIRE_KIND_##kind,
#include "capture/hook-table.def"
        };
        uint64_t set = 0;

        for (size_t i = 0; i < sizeof(hooks) / sizeof(hooks[0]); i++)
                if (hooks[i] != WIRE_NONE && schema_kind(hooks[i])->class == EVENT_EVENT)
                        set |= wire_kind_bit(hooks[i]);
        return set;
}

struct interest lab_interest(uint64_t kinds) {
        struct interest interest = {.kinds = kinds};

        for (int kind = 0; kind < _WIRE_KIND_MAX; kind++)
                if (kinds & wire_kind_bit(kind))
                        interest.filter[kind] =
                                (struct interest_filter){.failures = true, .successes = true, .content = true};
        return interest;
}

static void skip(const char *why) {
        printf("skipped: %s\n", why);
        exit(77);
}

enum capture_tier lab_tier(void) {
        const char *tier = getenv("LAB_TIER") ?: "";

        return streq(tier, "tracepoint") ? CAPTURE_TIER_TRACEPOINT
             : streq(tier, "fentry")     ? CAPTURE_TIER_FENTRY
                                         : CAPTURE_TIER_LSM;
}

/* As the capture does, which looks where processes sit when it begins: it may be another one tomorrow, on a host where
 * others run containers. */
static void see_hierarchy(void) {
        struct hierarchy found;

        must(hierarchy_init(&found) == 0);
        free(hierarchy);
        hierarchy = found.mount ? strdup(found.mount) : NULL;
        hierarchy_done(&found);
}

void lab_open(const struct interest *interest, const struct capture_options *options) {
        const struct capture_options defaults = {
                .ring_bytes = RING_BYTES,
                .overload.limits = {[0 ... WIRE_N_GOVERNED - 1].shed = 100},
        };
        static const struct capture_sink sink = {.on_event = on_event};
        struct capture_options with_tier;
        char recording[64];
        int r;

        if (lab.capture)
                lab_close();            /* a test failed and left it */
        if (geteuid() != 0)
                skip("not root");
        if (getenv("LAB_DEBUG"))
                log_set_max_level(LOG_DEBUG);
        plain = !options;
        with_tier = *(options ?: &defaults);
        with_tier.tier = MAX(with_tier.tier, lab_tier());
        r = capture_new_bpf(&with_tier, interest, &sink, NULL, &lab.capture);
        if (r == -EPERM)
                skip("the kernel does not let us");
        if (r == -ENODATA)
                skip("the kernel has no type information");
        if (r == -EOPNOTSUPP)
                skip("the kernel is too old or lacks something");
        must(r == 0);
        see_hierarchy();
        /* Not in the directory: the next subject has another. */
        snprintf(recording, sizeof(recording), "/tmp/execrayd-lab-%d-recording", getpid());
        lab_replay_begin(recording);
        capture_set_wait(lab.capture, true);
        must(capture_start(lab.capture, NULL, 1) == 0);
}

bool lab_is_quick(void) {
        return getenv("LAB_QUICK") != NULL;
}

void lab_watch(const struct interest *interest) {
        if (!lab.capture || !plain) {
                lab_open(interest, NULL);
                park_begin();
                return;
        }
        lab_read();
        lab_forget();
        must(capture_set_interest(lab.capture, interest, 1) == 0);
        /* To leave many places alone takes so long that others may have filled the ring. */
        lab_read();
        lab_forget();
}

/* Is there a word in the line about this kind? */
static bool is_attached(enum wire_kind kind, const char *word) {
        char text[16384], line[64];
        const char *found;

        capture_describe(lab.capture, text, sizeof(text));
        snprintf(line, sizeof(line), "%s: ", schema_kind(kind)->name);
        found = strstr(text, line);
        return found && memmem(found, strcspn(found, "\n"), word, strlen(word));
}

bool lab_has_security(enum wire_kind kind) {
        return is_attached(kind, "lsm/") || is_attached(kind, "fentry/");
}

bool lab_has_paths(enum wire_kind kind) {
        return is_attached(kind, "lsm/path_") || is_attached(kind, "fentry/security_path_");
}

void lab_show(const struct wire_header *record) {
        const struct kind_info *kind = schema_kind(record->kind);

        printf("%s pid %u result %lld flags %x", kind->name, record->tgid, (long long)record->result, record->flags);
        for (uint32_t i = 0; i < kind->n_fields; i++) {
                struct event event = {.wire = record};
                struct value value;
                char text[512];

                event_get(&event, kind->first_field + i, &value);
                if (value.state == VALUE_UNKNOWN)
                        continue;
                schema_format(kind->first_field + i, &value, text, sizeof(text));
                printf(" %s=%s", schema_field(kind->first_field + i)->name, text);
        }
        printf("\n");
}

void lab_forget(void) {
        for (size_t i = 0; i < lab.n; i++)
                free(lab.records[i]);
        lab.n = 0;
}

void lab_close(void) {
        lab_forget();
        free(lab.records);
        lab.records = NULL;
        lab.capacity = 0;
        lab.time_ns = lab.number = 0;
        park_end();
        lab.capture = capture_free(lab.capture);
        lab_replay_end();
}

void lab_read(void) {
        while (capture_dispatch(lab.capture, 512) > 0)
                ;
}

uint64_t lab_lost(const struct capture_stats *stats, int kind) {
        uint64_t n = 0;

        for (int reason = 0; reason < _WIRE_LOSS_MAX; reason++)
                n += stats->lost[kind][reason];
        return n;
}

bool lab_adds_up(const struct capture_stats *stats) {
        for (int kind = 1; kind < _WIRE_KIND_MAX; kind++)
                if (stats->produced[kind] != stats->delivered[kind] + lab_lost(stats, kind))
                        return false;
        return true;
}

static uint64_t lost_in(const struct capture_stats *stats) {
        uint64_t n = 0;

        for (int kind = 1; kind < _WIRE_KIND_MAX; kind++)
                n += lab_lost(stats, kind);
        return n;
}

bool lab_read_all(struct capture_stats *ret) {
        for (int i = 0; i < 1000; i++) {
                lab_read();
                capture_stats(lab.capture, ret);
                if (ret->ring_pending == 0 && lab_adds_up(ret)) {
                        struct capture_stats after;

                        capture_flush(lab.capture);
                        lab_read();
                        /* What was lost since then has been told, too, and is not in what we return. */
                        capture_stats(lab.capture, &after);
                        if (lost_in(&after) == lost_in(ret))
                                return true;
                }
        }
        return false;
}

const struct wire_header *lab_wait(enum wire_kind kind, pid_t pid, size_t n) {
        uint64_t until = clock_boottime_ns() + PATIENCE_NS;
        const struct wire_header *record;

        do {
                lab_read();
                record = lab_find(kind, pid, n);
                if (record)
                        return record;
                usleep(2000);
        } while (clock_boottime_ns() < until);
        return NULL;
}

pid_t lab_fork(void) {
        pid_t pid;

        fflush(NULL);
        pid = fork();
        if (pid != 0)
                ck_assert_int_ge(pid, 0);       /* not in the child: Check writes a file */
        return pid;
}

void lab_reap(pid_t pid) {
        /* Read meanwhile: an action may wait for a full ring otherwise. */
        while (waitpid(pid, &lab.status, WNOHANG) == 0) {
                lab_read();
                usleep(1000);
        }
        ck_assert(lab_wait(WIRE_KIND_exit, pid, 0) != NULL);
}

static bool is_in_call(pid_t tid, long call) {
        char path[64], text[128];
        ssize_t n = -1;
        int fd;

        snprintf(path, sizeof(path), "/proc/%d/syscall", tid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd >= 0) {
                n = read(fd, text, sizeof(text) - 1);
                close(fd);
        }
        if (n <= 0)
                return false;
        text[n] = 0;
        return isdigit((unsigned char)text[0]) && strtol(text, NULL, 10) == call;       /* "running" */
}

void lab_wait_in_call(pid_t tid, long call) {
        pid_t pid = fork();

        if (pid == 0) {
                uint64_t until = clock_boottime_ns() + PATIENCE_NS;

                while (!is_in_call(tid, call) && clock_boottime_ns() < until)
                        usleep(1000);
                _exit(0);
        }
        (void)waitpid(pid, NULL, 0);
}

pid_t lab_run(int (*action)(void *argument), void *argument) {
        pid_t pid = lab_fork();

        if (pid == 0)
                _exit(action(argument));
        lab_reap(pid);
        return pid;
}

const struct wire_header *lab_find(enum wire_kind kind, pid_t pid, size_t n) {
        for (size_t i = 0; i < lab.n; i++)
                if (lab.records[i]->kind == kind && (pid == 0 || lab.records[i]->tgid == (uint32_t)pid) && n-- == 0)
                        return lab.records[i];
        return NULL;
}

size_t lab_count(enum wire_kind kind, pid_t pid) {
        size_t n = 0;

        for (size_t i = 0; i < lab.n; i++)
                n += lab.records[i]->kind == kind && (pid == 0 || lab.records[i]->tgid == (uint32_t)pid);
        return n;
}

const struct wire_header *lab_find_text(enum wire_kind kind, pid_t pid, int field, const char *text, size_t n) {
        text = strdupa(text);           /* it may be one of lab_text()'s or lab_path()'s, which are used again */
        for (size_t i = 0; i < lab.n; i++) {
                const char *have;

                if (lab.records[i]->kind != kind || (pid != 0 && lab.records[i]->tgid != (uint32_t)pid))
                        continue;
                have = lab_text(lab.records[i], field);
                if (have && strcmp(have, text) == 0 && n-- == 0)
                        return lab.records[i];
        }
        return NULL;
}

ssize_t lab_position(const struct wire_header *record) {
        for (size_t i = 0; i < lab.n; i++)
                if (lab.records[i] == record)
                        return i;
        return -1;
}

static struct value get(const struct wire_header *record, int field) {
        struct event event = {.wire = record};
        struct value value = {};

        ck_assert(record != NULL);
        event_get(&event, (enum field)field, &value);
        return value;
}

bool lab_known(const struct wire_header *record, int field) {
        return get(record, field).state != VALUE_UNKNOWN;
}

int64_t lab_number(const struct wire_header *record, int field) {
        struct value value = get(record, field);

        return value.state == VALUE_UNKNOWN ? -1000 : value.number;
}

static char *next_buffer(void) {
        static char buffers[8][WIRE_MAX_RECORD + 1];
        static unsigned next;

        return buffers[next++ % 8];
}

const char *lab_text(const struct wire_header *record, int field) {
        struct value value = get(record, field);
        char *buffer = next_buffer();

        if (value.state == VALUE_UNKNOWN)
                return NULL;
        memcpy(buffer, value.bytes, value.length);
        buffer[value.length] = 0;
        return buffer;
}

const char *lab_list(const struct wire_header *record, int field) {
        struct value value = get(record, field);
        char *buffer = next_buffer();

        if (value.state == VALUE_UNKNOWN)
                return NULL;
        memcpy(buffer, value.bytes, value.length);
        for (size_t i = 0; i + 1 < value.length; i++)
                if (buffer[i] == 0)
                        buffer[i] = '|';
        buffer[value.length] = 0;
        return buffer;
}

struct wire_object lab_object(const struct wire_header *record, int field) {
        return get(record, field).object;
}

struct wire_address lab_address(const struct wire_header *record, int field) {
        return get(record, field).address;
}

bool lab_is_file(struct wire_object object, const struct stat *st) {
        return object.inode == st->st_ino && object.device == (major(st->st_dev) << 20 | minor(st->st_dev));
}

const char *lab_hierarchy(void) {
        char path[300];

        if (!hierarchy)
                return NULL;
        snprintf(path, sizeof(path), "%s/cgroup.procs", hierarchy);
        return access(path, W_OK) == 0 ? hierarchy : NULL;
}

const char *lab_path(const char *name) {
        char *buffer = next_buffer();

        snprintf(buffer, WIRE_MAX_RECORD, "%s/%s", lab.directory, name);
        return buffer;
}

void lab_write_file(const char *path, const char *text, mode_t mode) {
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(write(fd, text, strlen(text)), strlen(text));
        ck_assert_int_eq(fchmod(fd, mode), 0);
        close(fd);
}

void lab_copy_file(const char *from, const char *to, mode_t mode) {
        int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);
        char buffer[65536];
        ssize_t n;

        ck_assert_int_ge(in, 0);
        ck_assert_int_ge(out, 0);
        while ((n = read(in, buffer, sizeof(buffer))) > 0)
                ck_assert_int_eq(write(out, buffer, n), n);
        ck_assert_int_eq(fchmod(out, mode), 0);
        close(in);
        close(out);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw) {
        return remove(path);
}

static void make_directory(void) {
        strcpy(lab.directory, "/tmp/execrayd-lab-XXXXXX");
        must(mkdtemp(lab.directory) != NULL);
        must(chmod(lab.directory, 0755) == 0);
}

static uint64_t lost_until_now(void) {
        struct capture_stats stats;

        if (!lab.capture)
                return 0;
        capture_stats(lab.capture, &stats);
        return lost_in(&stats);
}

/* 1 if it failed. What it says of that is printed as Check does, for people and programs. */
static int run_test(const char *name, const TTest *test) {
        Suite *suite = suite_create(name);
        TCase *tcase = tcase_create(name);
        TestResult **failures;
        SRunner *runner;
        int failed;

        tcase_add_test(tcase, test);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        /* The capture is this process's: no fork per test. */
        srunner_set_fork_status(runner, CK_NOFORK);
        srunner_run_all(runner, CK_SILENT);
        failed = srunner_ntests_failed(runner);
        failures = srunner_failures(runner);
        for (int i = 0; i < failed; i++)
                printf("%s:%d:F:%s:%s:0: %s\n", tr_lfile(failures[i]), tr_lno(failures[i]), name, test->name,
                       tr_msg(failures[i]));
        free(failures);
        srunner_free(runner);
        return failed;
}

int lab_main(const char *name, const TTest *const *tests, size_t n_tests, const struct interest *interest,
             const struct capture_options *options) {
        size_t n_failed = 0, n_again = 0;

        setvbuf(stdout, NULL, _IOLBF, 0);
        make_directory();
        if (interest && options)
                lab_open(interest, options);
        else if (interest)
                lab_watch(interest);

        for (size_t i = 0; i < n_tests; i++) {
                uint64_t lost = lost_until_now();
                int failed = run_test(name, tests[i]);

                /* Others on this host made more than the reader could read: that is not what is tested. */
                for (int try = 1; failed && interest && !options && plain && try < N_TRIES && lost_until_now() > lost;
                     try++) {
                        printf("once more: %s: %" PRIu64 " records were lost meanwhile\n", tests[i]->name,
                               lost_until_now() - lost);
                        nftw(lab.directory, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
                        make_directory();
                        lab_watch(interest);
                        lost = lost_until_now();
                        failed = run_test(name, tests[i]);
                        n_again++;
                }
                n_failed += failed;
        }
        printf("%s: %zu tests, %zu failed, %zu tried again\n", name, n_tests, n_failed, n_again);

        if (lab.capture && !lab_keep)
                lab_close();
        nftw(lab.directory, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
        return n_failed > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
