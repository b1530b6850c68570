/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of all kinds to port 53, well formed, then spoilt: what is told of each is what an independent reader says
 * (tests/fuzz/dns-reference.h), and the same that the fuzzer compares byte by byte with the decoder built for it.
 * LAB_SEED=N in the environment makes others. */
#include <arpa/inet.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/macro.h"

#include "../fuzz/dns-reference.h"
#include "lab.h"

#define F(id) WIRE_FIELD_dns_##id

#define MESSAGES 3000
#define MAX_MESSAGE 600

struct message {
        size_t n;
        uint8_t bytes[MAX_MESSAGE];
};

/* Made before the test runs; the id is its number. */
static struct message *messages;

static uint64_t state;

static uint64_t any(void) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        return state * 0x2545f4914f6cdd1dULL >> 16;
}

static void put(struct message *m, unsigned byte) {
        if (m->n < MAX_MESSAGE)
                m->bytes[m->n++] = byte;
}

static void put_question(struct message *m) {
        int n_labels = any() % 8 == 0 ? any() % 40 : any() % 5;

        for (int i = 0; i < n_labels; i++) {
                int length = any() % 4 == 0 ? 1 + any() % 63 : 1 + any() % 12;

                put(m, length);
                for (int k = 0; k < length; k++)
                        put(m, any() % 8 == 0 ? any() : "abcXYZ019-_"[any() % 11]);
        }
        if (any() % 8 == 0) {           /* pointers: to the head, to itself, in a circle */
                put(m, 0xc0);
                put(m, (unsigned[]){12, m->n - 1, 0, 14, any()}[any() % 5]);
        } else
                put(m, 0);
        put(m, 0);
        put(m, (unsigned[]){1, 28, 16, any()}[any() % 4]);
        put(m, 0);
        put(m, 1);
}

static void make_message(struct message *m, unsigned id) {
        int n_questions = any() % 8 == 0 ? any() % 4 : 1;
        bool edns = any() % 3 == 0;

        m->n = 0;
        put(m, id >> 8);
        put(m, id);
        put(m, any() % 16 == 0 ? any() : 1);    /* answers and other operations among them */
        put(m, any() % 16 == 0 ? any() : 0);
        put(m, 0);
        put(m, n_questions);
        for (int i = 0; i < 5; i++)
                put(m, 0);
        put(m, edns);
        for (int i = 0; i < n_questions; i++)
                put_question(m);
        for (size_t i = 0; edns && i < 11; i++)
                put(m, "\0\0\x29\x10\0\0\0\0\0\0\0"[i]);

        if (any() % 2)
                return;
        for (uint64_t n = any() % 4; n > 0; n--)        /* the id stays */
                m->bytes[2 + any() % (m->n - 2)] = any() % 2 ? any() : (unsigned[]){0, 63, 64, 0xc0, 255}[any() % 5];
        if (any() % 4 == 0)
                m->n = 2 + any() % (m->n - 1);
}

static struct sockaddr_in loopback(int port) {
        return (struct sockaddr_in){
                .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/* In a network of its own, where nobody answers. Each goes to port 53, and then from there to another. */
static int send_all(void *argument) {
        const struct sockaddr_in server = loopback(53), other = loopback(5353);
        int fd, answers;
        struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};

        if (unshare(CLONE_NEWNET) < 0)
                return 1;
        fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        answers = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || answers < 0 || ioctl(fd, SIOCSIFFLAGS, &lo) < 0 ||
            bind(answers, (const struct sockaddr *)&server, sizeof(server)) < 0)
                return 2;
        for (size_t i = 0; i < MESSAGES; i++) {
                if (sendto(fd, messages[i].bytes, messages[i].n, 0, (const struct sockaddr *)&server,
                           sizeof(server)) != (ssize_t)messages[i].n)
                        return 3;
                if (sendto(answers, messages[i].bytes, messages[i].n, 0, (const struct sockaddr *)&other,
                           sizeof(other)) != (ssize_t)messages[i].n)
                        return 4;
        }
        return 0;
}

static void check_message(size_t i, const struct wire_header *record, const struct dns_question *want) {
        struct value name;

        if (lab_known(record, F(name)) != want->has_name || lab_known(record, F(type)) != want->has_type)
                lab_show(record);
        ck_assert_msg(lab_known(record, F(name)) == want->has_name, "message %zu: its name", i);
        ck_assert_msg(lab_known(record, F(type)) == want->has_type, "message %zu: its type", i);
        if (want->has_type)
                ck_assert_int_eq(lab_number(record, F(type)), want->type);
        if (!want->has_name)
                return;
        event_get(&(struct event){.wire = record}, (enum field)F(name), &name);
        ck_assert_msg(name.length == want->n_name && memcmp(name.bytes, want->name, want->n_name) == 0,
                      "message %zu: %s is not %.*s", i, lab_text(record, F(name)), (int)want->n_name, want->name);
}

START_TEST(what_is_told_of_any_message_is_what_an_independent_reader_says) {
        size_t at = 0, n_told = 0, n_named = 0, n_missing = 0;
        struct capture_stats before, after;
        uint64_t n_lost;
        pid_t pid;

        ck_assert(lab_read_all(&before));
        pid = lab_run(send_all, NULL);
        ck_assert_int_eq(lab.status, 0);
        ck_assert(lab_read_all(&after));
        n_lost = lab_lost(&after, WIRE_KIND_dns) - lab_lost(&before, WIRE_KIND_dns);

        for (size_t i = 0; i < MESSAGES; i++) {
                struct dns_question want;
                const struct wire_header *record = NULL;

                if (!dns_reference(messages[i].bytes, messages[i].n, &want))
                        continue;
                for (size_t k = at; k < lab.n && !record; k++)
                        if (lab.records[k]->kind == WIRE_KIND_dns && lab.records[k]->tgid == (uint32_t)pid &&
                            lab_number(lab.records[k], F(id)) == want.id) {
                                record = lab.records[k];
                                at = k + 1;
                        }
                if (!record) {
                        n_missing++;
                        continue;
                }
                check_message(i, record, &want);
                n_told++;
                n_named += want.has_name;
                if (!want.has_name)
                        ck_assert(at < lab.n && lab.records[at]->kind == WIRE_KIND_obscured);
        }
        printf("%d messages: %zu queries told, %zu with a name, %zu lost\n", MESSAGES, n_told, n_named, n_missing);
        ck_assert_uint_le(n_missing, n_lost);
        ck_assert_uint_eq(lab_count(WIRE_KIND_dns, pid), n_told);       /* and nothing that is no query to port 53 */
        ck_assert(n_named > MESSAGES / 4 && n_told - n_named > MESSAGES / 20);
}
END_TEST

int main(void) {
        const TTest *const tests[] = {what_is_told_of_any_message_is_what_an_independent_reader_says};
        struct interest interest = lab_interest(wire_kind_bit(WIRE_KIND_dns));
        const char *seed = getenv("LAB_SEED");

        state = (seed ? strtoull(seed, NULL, 10) : 1) * 0x9e3779b97f4a7c15ULL | 1;
        messages = calloc(MESSAGES, sizeof(*messages));
        if (!messages)
                return EXIT_FAILURE;
        for (unsigned i = 0; i < MESSAGES; i++)
                make_message(&messages[i], i);
        return lab_main("bpf/dns", tests, ELEMENTSOF(tests), &interest, NULL);
}
