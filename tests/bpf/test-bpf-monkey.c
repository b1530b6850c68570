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

/* ---- what it passes to programs that do run ---- */

#define EXECS 48
#define MAX_STRINGS 3000

/* Strings one behind the other, as the new image has them. */
struct strings {
        char *bytes;
        size_t length, n;
        char *vector[MAX_STRINGS + 1];
};

static struct strings passed_args, passed_env;

static size_t random_below(uint64_t *random, size_t n) {
        *random ^= *random << 13;
        *random ^= *random >> 7;
        *random ^= *random << 17;
        return (*random * 0x2545f4914f6cdd1dULL >> 11) % n;
}

/* Any bytes but NUL, names of variables that are asked for among them, or what looks like one. */
static void strings_make(struct strings *ret, uint64_t *random, bool environment) {
        static const char *const begins[] = {"",  "MONKEY", "MONKEY=", "MONKE", "MONKEYS=", "=MONKEY=", "M=",
                                             "M", "=",      "NAME=",   "\n",    "\033[2J",  "\xff\xfe"};
        static const size_t counts[] = {0, 1, 2, 3, 10, 300, MAX_STRINGS},
                            lengths[] = {0, 0, 1, 5, 30, 255, 4095, 8191, 8192, 20000, 100000};
        size_t n = counts[random_below(random, ELEMENTSOF(counts))];

        if (!ret->bytes)
                ret->bytes = malloc(1 << 20);
        ck_assert_ptr_nonnull(ret->bytes);
        ret->n = ret->length = 0;
        for (size_t i = 0; i < n; i++) {
                size_t length = lengths[random_below(random, n > 10 ? 5 : ELEMENTSOF(lengths))];
                const char *begin = begins[random_below(random, ELEMENTSOF(begins))];

                if (ret->length + length + 16 > 1 << 20)
                        break;
                ret->vector[ret->n++] = ret->bytes + ret->length;
                strcpy(ret->bytes + ret->length, begin);
                ret->length += strlen(begin);
                for (size_t k = 0; k < length; k++)
                        ret->bytes[ret->length++] = (char)(1 + random_below(random, 255));
                ret->bytes[ret->length++] = 0;
        }
        ret->vector[ret->n] = NULL;
        if (!environment && ret->n == 0) {      /* what the kernel makes of none */
                ret->bytes[ret->length++] = 0;
                ret->n = 1;
        }
}

static int exec_with_strings(void *argument) {
        execve("/bin/true", passed_args.vector, passed_env.vector);
        return 1;
}

static bool is_asked_for(const char *variable) {
        return strncmp(variable, "MONKEY=", 7) == 0 || strncmp(variable, "M=", 2) == 0;
}

/* All of them, or the beginning and said to be cut. */
static void check_strings(const struct wire_header *record, const struct wire_bytes *told, uint64_t bit,
                          const char *expected, size_t length, bool may_be_cut) {
        bool cut = record->cut & bit;

        ck_assert(record->known & bit);
        if (!cut)
                ck_assert_uint_eq(told->length, length);
        ck_assert_uint_le(told->length, length);
        ck_assert(!cut || may_be_cut);
        ck_assert_int_eq(
                memcmp((const char *)record + told->offset, expected, told->length - (cut && told->length > 0)), 0);
}

START_TEST(whatever_a_program_is_passed_is_told_as_it_got_it) {
        struct interest interest = lab_interest(wire_kind_bit(WIRE_KIND_execve));
        uint64_t random = getenv("LAB_SEED") ? strtoull(getenv("LAB_SEED"), NULL, 10) : 1;
        char *wanted = malloc(1 << 20);
        size_t n_cut = 0, n_whole = 0;

        ck_assert_ptr_nonnull(wanted);
        interest.n_env = 2;
        strcpy(interest.env[0], "MONKEY");
        strcpy(interest.env[1], "M");
        ck_assert_int_eq(capture_set_interest(lab.capture, &interest, 2), 0);
        for (int i = 0; i < EXECS; i++) {
                const struct wire_execve *record;
                size_t length = 0;
                pid_t pid;

                strings_make(&passed_args, &random, false);
                strings_make(&passed_env, &random, true);
                for (size_t k = 0; k < passed_env.n; k++)
                        if (is_asked_for(passed_env.vector[k])) {
                                strcpy(wanted + length, passed_env.vector[k]);
                                length += strlen(passed_env.vector[k]) + 1;
                        }
                lab_forget();
                pid = lab_run(exec_with_strings, NULL);
                ck_assert_int_eq(lab.status, 0);
                record = (const void *)lab_find(WIRE_KIND_execve, pid, 0);
                ck_assert_ptr_nonnull(record);
                ck_assert_int_eq(record->header.result, 0);
                ck_assert_int_eq(record->argc, (int64_t)passed_args.n);
                check_strings(&record->header, &record->argv, WIRE_BIT(execve, argv), passed_args.bytes,
                              passed_args.length, passed_args.length > WIRE_MAX_LIST);
                check_strings(&record->header, &record->env, WIRE_BIT(execve, env), wanted, length,
                              length > WIRE_MAX_LIST || passed_env.length > WIRE_MAX_LIST);
                if (record->header.cut)
                        n_cut++;
                else
                        n_whole++;
        }
        printf("arguments and variables of %zu programs whole, of %zu cut\n", n_whole, n_cut);
        ck_assert_uint_gt(n_whole, 0);
        ck_assert_uint_gt(n_cut, 0);
        free(wanted);
}
END_TEST

int main(void) {
        const TTest *const tests[] = {
                whatever_a_monkey_does_is_told_once_and_as_it_was,
                whatever_a_program_is_passed_is_told_as_it_got_it, /* last: it asks for less */
        };
        struct capture_options options = {.compat = CAPTURE_COMPAT_ALWAYS};
        struct interest interest = lab_interest(lab_all_kinds() | wire_kind_bit(WIRE_KIND_execve));

        interest.content_bytes = 64;
        diary = mmap(NULL, sizeof(*diary), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        return lab_main("bpf/monkey", tests, ELEMENTSOF(tests), &interest, &options);
}
