/* SPDX-License-Identifier: Apache-2.0 */
/* What a monkey does (monkey.h) is told: every record parses, each call is told once with its result, all that was
 * produced is delivered or counted, no bytes are told that it did not pass, and where a name is missing `obscured` says
 * so.
 *
 * It lives in namespaces and a root of its own, as nobody, without capabilities. LAB_SEED=N in the environment makes it
 * do what it does after seed N, and LAB_CALLS=N how often. */
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "base/macro.h"

#include "lab.h"
#include "monkey.h"

#define SEEDS 8

static const struct {
        const char *name;
        enum wire_kind kind;
} calls[_WIRE_CALL_MAX] = {
#define CALL(id, kind) [WIRE_CALL_##id] = {#id, WIRE_KIND_##kind},
#include "event/calls.def"
};

/* Not told once each: by target, by message, by direction, by what they ask for. */
static const enum wire_call many[] = {
        WIRE_CALL_kill,         WIRE_CALL_tkill,           WIRE_CALL_tgkill,   WIRE_CALL_pidfd_send_signal,
        WIRE_CALL_rt_sigqueueinfo, WIRE_CALL_rt_tgsigqueueinfo, WIRE_CALL_sendmmsg, WIRE_CALL_recvmmsg,
        WIRE_CALL_adjtimex,     WIRE_CALL_clock_adjtime,   WIRE_CALL_io_uring,  WIRE_CALL_vmsplice,
};

/* In its cage. */
static int keep_monkey(void *argument) {
        const char *seed = getenv("LAB_SEED"), *n = getenv("LAB_CALLS");
        long n_calls = n ? atol(n) : MONKEY_CALLS;
        int status;
        pid_t pid;

        if (unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID) < 0 ||
            mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 || chdir(lab.directory) < 0 ||
            mount("monkey", "cage", "tmpfs", 0, "size=16m,mode=0777") < 0 || chdir("cage") < 0)
                return 100;
        pid = fork();
        if (pid == 0)
                _exit(monkey(seed ? strtoull(seed, NULL, 10) : *(uint64_t *)argument, MIN(n_calls, MONKEY_CALLS_MAX)));
        diary->pid = pid;
        if (waitpid(pid, &status, 0) != pid)
                return 101;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* ---- what was told of it ---- */

static bool is_one_of_many(enum wire_call call) {
        for (size_t i = 0; i < ELEMENTSOF(many); i++)
                if (many[i] == call)
                        return true;
        return false;
}

static size_t mark_position(void) {
        for (size_t i = 0; i < lab.n; i++)
                if (lab.records[i]->tid == (uint32_t)diary->pid && lab.records[i]->kind == WIRE_KIND_prctl &&
                    streq(lab_text(lab.records[i], WIRE_FIELD_prctl_name) ?: "", MONKEY_MARK))
                        return i + 1;
        ck_abort_msg("the mark was not told");
        return 0;
}

/* The next record of this call from a position on; lab.n if there is none. */
static size_t next_of(enum wire_call call, size_t from) {
        while (from < lab.n && (lab.records[from]->tid != (uint32_t)diary->pid || lab.records[from]->call != call ||
                                lab.records[from]->kind != calls[call].kind || lab.records[from]->flags & WIRE_COMPAT))
                from++;
        return from;
}

/* Each deed once, in order, with its result. A call that a signal ended is told or not, and so is one
 * that is not there. */
static void check_deeds(size_t mark, const uint64_t *n_lost) {
        size_t next[_WIRE_CALL_MAX];

        for (size_t i = 0; i < _WIRE_CALL_MAX; i++)
                next[i] = mark;
        for (size_t i = 0; i < diary->n; i++) {
                const struct monkey_deed *deed = &diary->deeds[i];
                size_t at;

                if (is_one_of_many(deed->call) || n_lost[calls[deed->call].kind])
                        continue;
                at = next_of(deed->call, next[deed->call]);
                if ((deed->result == -EINTR || deed->result == -ENOSYS) &&
                    (at == lab.n || lab.records[at]->result != deed->result))
                        continue;
                ck_assert_msg(at < lab.n, "deed %zu: %s with %lld was not told", i, calls[deed->call].name,
                              (long long)deed->result);
                if (lab.records[at]->result != deed->result)
                        lab_show(lab.records[at]);
                ck_assert_msg(lab.records[at]->result == deed->result, "deed %zu: %s gave %lld", i,
                              calls[deed->call].name, (long long)deed->result);
                next[deed->call] = at + 1;
        }
        for (int call = 1; call < _WIRE_CALL_MAX; call++)
                if (!is_one_of_many(call) && !n_lost[calls[call].kind] && next_of(call, next[call]) < lab.n) {
                        lab_show(lab.records[next_of(call, next[call])]);
                        ck_abort_msg("%s was told once more than it was called", calls[call].name);
                }
}

/* What the monkey named is made of its letters: no byte of the kernel's or of what stands beside its strings. */
static void check_letters(const struct wire_header *record) {
        const struct kind_info *kind = schema_kind(record->kind);
        struct event event = {.wire = record};

        switch (record->kind) {
        case WIRE_KIND_prctl:           /* not passed as a string, but in a structure: pointers are no letters */
        case WIRE_KIND_bpf:
        case WIRE_KIND_connect:
        case WIRE_KIND_bind:
        case WIRE_KIND_sendto:
        case WIRE_KIND_recvfrom: return;
        }
        if (record->call == WIRE_CALL_io_uring)
                return;
        for (uint32_t i = 0; i < kind->n_fields; i++) {
                const struct field_info *field = schema_field(kind->first_field + i);
                struct value value;

                event_get(&event, kind->first_field + i, &value);
                if (value.state == VALUE_UNKNOWN || field->type != VALUE_STRING || !(record->user >> field->bit & 1) ||
                    field->flags & (FIELD_REQUEST | FIELD_PATH | FIELD_TIER))
                        continue;
                for (size_t k = 0; k < value.length; k++)
                        if (!strchr(MONKEY_LETTERS, value.bytes[k])) {
                                lab_show(record);
                                ck_abort_msg("%s.%s: byte %zu is %02x", kind->name, field->name, k,
                                             (unsigned char)value.bytes[k]);
                        }
        }
}

static bool knows(const struct wire_header *record, const char *name, bool if_there_is_none) {
        enum field field = schema_find_field(record->kind, name, strlen(name));

        return field == FIELD_NONE ? if_there_is_none : lab_known(record, field);
}

/* A call that the kernel carried out on a name that we could not read. */
static bool is_hidden(const struct wire_header *record) {
        switch (record->kind) {
        case WIRE_KIND_unlink:
        case WIRE_KIND_rename:
        case WIRE_KIND_link:
        case WIRE_KIND_symlink:
        case WIRE_KIND_mkdir:
        case WIRE_KIND_truncate:
        case WIRE_KIND_chmod:
        case WIRE_KIND_chown:
        case WIRE_KIND_setxattr:
        case WIRE_KIND_utimes:
                return record->result != -EFAULT && record->result != -EBADF &&
                        ((!knows(record, "pathname", true) && !knows(record, "file", false)) ||
                         !knows(record, "newpath", true));
        default:
                return false;
        }
}

static size_t check_hidden(void) {
        size_t n = 0;

        for (size_t i = 0; i < lab.n; i++) {
                if (lab.records[i]->tid != (uint32_t)diary->pid || !is_hidden(lab.records[i]))
                        continue;
                n++;
                if (i + 1 == lab.n || lab.records[i + 1]->kind != WIRE_KIND_obscured ||
                    lab.records[i + 1]->tid != lab.records[i]->tid) {
                        lab_show(lab.records[i]);
                        ck_abort_msg("what was hidden is not told as obscured");
                }
        }
        return n;
}

START_TEST(whatever_a_monkey_does_is_told_once_and_as_it_was) {
        size_t n_calls = 0, n_records = 0, n_hidden = 0, n_obscured = 0;
        uint64_t total = 0;

        ck_assert_int_eq(mkdir(lab_path("cage"), 0700), 0);
        for (int call = 1; call < _WIRE_CALL_MAX; call++)
                ck_assert_msg(monkey_takes[call] != NULL, "what does %s take?", calls[call].name);

        for (uint64_t seed = 1; seed <= (getenv("LAB_SEED") ? 1 : SEEDS); seed++) {
                uint64_t n_lost[_WIRE_KIND_MAX];
                struct capture_stats before, after;
                size_t mark;

                lab_forget();
                ck_assert(lab_read_all(&before));
                lab_run(keep_monkey, &seed);
                ck_assert_msg(lab.status == 0, "seed %llu: status %x", (unsigned long long)seed, lab.status);
                ck_assert(lab_read_all(&after));
                for (int kind = 0; kind < _WIRE_KIND_MAX; kind++) {
                        ck_assert_uint_eq(after.lost[kind][WIRE_LOSS_INVALID], 0);
                        n_lost[kind] = lab_lost(&after, kind) - lab_lost(&before, kind);
                        total += n_lost[kind];
                }
                mark = mark_position();
                check_deeds(mark, n_lost);
                n_hidden += check_hidden();
                n_calls += diary->n;
                n_obscured += lab_count(WIRE_KIND_obscured, diary->pid);
                for (size_t i = mark; i < lab.n; i++)
                        if (lab.records[i]->tid == (uint32_t)diary->pid) {
                                check_letters(lab.records[i]);
                                n_records++;
                        }
        }
        printf("%zu calls, %zu records, %zu with a name that could not be read, %zu obscured, %llu lost on this host\n",
               n_calls, n_records, n_hidden, n_obscured, (unsigned long long)total);
        ck_assert_uint_gt(n_hidden, 0);
}
END_TEST

int main(void) {
        const TTest *const tests[] = {whatever_a_monkey_does_is_told_once_and_as_it_was};
        struct capture_options options = {.compat = CAPTURE_COMPAT_ALWAYS};
        struct interest interest = lab_interest(lab_all_kinds() | wire_kind_bit(WIRE_KIND_execve));

        interest.content_bytes = 64;
        diary = mmap(NULL, sizeof(*diary), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        return lab_main("bpf/monkey", tests, ELEMENTSOF(tests), &interest, &options);
}
