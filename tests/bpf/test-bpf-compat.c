/* SPDX-License-Identifier: Apache-2.0 */
/* System calls through the 32-bit table: the same kinds, marked `compat`. x86 only. */
#include <arpa/inet.h>
#include <elf.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "lab.h"

#define F(kind, id) WIRE_FIELD_##kind##_##id

#if defined(__x86_64__)

/* Numbers of the 32-bit table. */
enum {
        NR32_write = 4,
        NR32_open = 5,
        NR32_unlink = 10,
        NR32_rename = 38,
        NR32_getpid = 20,
        NR32_utime = 30,
        NR32_socketcall = 102,
        NR32_writev = 146,
        NR32_pwrite64 = 181,
        NR32_sendfile = 187,
        NR32_clock_settime = 264,
        NR32_utimensat = 320,
        NR32_sendmsg = 370,
        NR32_recvmsg = 372,
};

static long call32_5(long number, long a, long b, long c, long d, long e) {
        long result;

        __asm__ volatile("int $0x80"
                         : "=a"(result)
                         : "a"(number), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
                         : "memory", "r8", "r9", "r10", "r11");
        return (int)result;
}

static long call32(long number, long a, long b, long c) {
        return call32_5(number, a, b, c, 0, 0);
}

/* Below 4 GiB, where such calls can point. */
static char *low_text(const char *text) {
        char *copy = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

        if (copy == MAP_FAILED)
                _exit(10);
        strcpy(copy, text);
        return copy;
}

#define LOW(text) ((long)(uintptr_t)low_text(text))

/* The same with words of 32 bits. */
static long low_words(size_t n, const uint32_t *words) {
        char *copy = low_text("");

        memcpy(copy, words, n * sizeof(*words));
        return (long)(uintptr_t)copy;
}

#define LOW_WORDS(...)                                                                                                 \
        low_words(sizeof((uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t), (const uint32_t[]){__VA_ARGS__})

static int is_there(void *argument) {
        return call32(NR32_getpid, 0, 0, 0) == getpid() ? 0 : 1;
}

static int call_in_32_bits(void *argument) {
        int fd = (int)call32(NR32_open, LOW(lab_path("narrow")), O_WRONLY | O_CREAT, 0640);

        if (fd < 0 || call32(NR32_write, fd, LOW("bytes"), 5) != 5)
                return 1;
        if (call32(NR32_rename, LOW(lab_path("narrow")), LOW(lab_path("thin")), 0) != 0)
                return 2;
        if (call32(NR32_unlink, LOW(lab_path("thin")), 0, 0) != 0)
                return 3;
        return call32(NR32_unlink, LOW(lab_path("thin")), 0, 0) == -ENOENT ? 0 : 4;
}

START_TEST(a_32_bit_call_is_the_same_kind_and_marked) {
        const struct wire_header *record;
        pid_t pid;

        pid = lab_run(call_in_32_bits, NULL);
        ck_assert_int_eq(WEXITSTATUS(lab.status), 0);

        record = lab_find_text(WIRE_KIND_openat, pid, F(openat, pathname), lab_path("narrow"), 0);
        ck_assert_ptr_nonnull(record);
        ck_assert(record->flags & WIRE_COMPAT);
        ck_assert_int_eq(record->call, WIRE_CALL_open);
        ck_assert_int_eq(lab_number(record, F(openat, mode)), 0640);
        ck_assert_int_eq(lab_number(record, F(openat, created)), 1);

        record = lab_find(WIRE_KIND_write, pid, 0);
        ck_assert_ptr_nonnull(record);
        ck_assert(record->flags & WIRE_COMPAT);
        ck_assert_str_eq(lab_text(record, F(write, content)), "bytes");
        ck_assert_str_eq(lab_text(record, F(write, pathname)), lab_path("narrow"));

        record = lab_find(WIRE_KIND_rename, pid, 0);
        ck_assert_ptr_nonnull(record);
        ck_assert_str_eq(lab_text(record, F(rename, newpath)), lab_path("thin"));

        record = lab_find(WIRE_KIND_unlink, pid, 0);
        ck_assert_ptr_nonnull(record);
        ck_assert_int_eq(record->result, 0);
        record = lab_find(WIRE_KIND_unlink, pid, 1);
        ck_assert_ptr_nonnull(record);
        ck_assert_int_eq(record->result, -ENOENT);
}
END_TEST

static int move_in_32_bits(void *argument) {
        int from = open(lab_path("moved-from"), O_RDONLY), to = open(lab_path("moved-to"), O_WRONLY | O_CREAT, 0600);

        /* Of 32 bits, and what lies behind it is no part of it. */
        return call32_5(NR32_sendfile, to, from, LOW_WORDS(2, 0xffffffff), 3, 0) == 3 ? 0 : 1;
}

START_TEST(a_32_bit_move_is_a_write_and_a_read) {
        const struct wire_header *record;
        pid_t pid;

        lab_write_file(lab_path("moved-from"), "bytes", 0600);
        pid = lab_run(move_in_32_bits, NULL);
        ck_assert_int_eq(WEXITSTATUS(lab.status), 0);
        record = lab_find(WIRE_KIND_read, pid, 0);
        ck_assert_ptr_nonnull(record);
        ck_assert(record->flags & WIRE_COMPAT);
        ck_assert_int_eq(record->call, WIRE_CALL_sendfile);
        ck_assert_str_eq(lab_text(record, F(read, pathname)), lab_path("moved-from"));
        ck_assert_int_eq(lab_number(record, F(read, offset)), 2);
        record = lab_find(WIRE_KIND_write, pid, 0);
        ck_assert_ptr_nonnull(record);
        ck_assert(record->flags & WIRE_COMPAT);
        ck_assert_str_eq(lab_text(record, F(write, pathname)), lab_path("moved-to"));
        ck_assert_str_eq(lab_text(record, F(write, source_path)), lab_path("moved-from"));
        ck_assert_ptr_null(lab_find(WIRE_KIND_read, pid, 1));
        ck_assert_ptr_null(lab_find(WIRE_KIND_write, pid, 1));
}
END_TEST

static int write_in_32_bits(void *argument) {
        int fd = open(lab_path("vectors"), O_WRONLY | O_CREAT, 0600);
        long vectors = LOW_WORDS((uint32_t)LOW("ab"), 2, (uint32_t)LOW("cde"), 3);

        if (call32(NR32_writev, fd, vectors, 2) != 5)
                return 1;
        return call32_5(NR32_pwrite64, fd, LOW("far"), 3, 0x10, 1) == 3 ? 0 : 2;
}

START_TEST(vectors_and_offsets_of_32_bits_are_read_as_such) {
        const struct wire_header *record;
        pid_t pid;

        pid = lab_run(write_in_32_bits, NULL);
        ck_assert_int_eq(WEXITSTATUS(lab.status), 0);
        record = lab_find(WIRE_KIND_write, pid, 0);
        ck_assert_ptr_nonnull(record);
        ck_assert_int_eq(record->call, WIRE_CALL_writev);
        ck_assert_str_eq(lab_text(record, F(write, content)), "abcde");
        ck_assert_int_eq(lab_number(record, F(write, count)), 5);
        record = lab_find(WIRE_KIND_write, pid, 1);
        ck_assert_ptr_nonnull(record);
        ck_assert_str_eq(lab_text(record, F(write, content)), "far");
        ck_assert_int_eq(lab_number(record, F(write, offset)), 0x100000010);
}
END_TEST

static int send_in_32_bits(void *argument) {
        int pair[2], fd = open(lab_path("passed"), O_RDONLY);
        long vectors = LOW_WORDS((uint32_t)LOW("hello"), 5);
        long control = LOW_WORDS(16, SOL_SOCKET, SCM_RIGHTS, (uint32_t)fd);
        long message = LOW_WORDS(0, 0, (uint32_t)vectors, 1, (uint32_t)control, 16, 0);

        if (fd < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
                return 1;
        if (call32(NR32_sendmsg, pair[0], message, 0) != 5)
                return 2;
        return call32(NR32_recvmsg, pair[1], message, 0) == 5 ? 0 : 3;
}

START_TEST(a_message_of_32_bits_has_content_and_descriptors) {
        const struct wire_header *record;
        pid_t pid;

        lab_write_file(lab_path("passed"), "x", 0600);
        pid = lab_run(send_in_32_bits, NULL);
        ck_assert_int_eq(WEXITSTATUS(lab.status), 0);
        record = lab_find(WIRE_KIND_sendto, pid, 0);
        ck_assert_ptr_nonnull(record);
        ck_assert(record->flags & WIRE_COMPAT);
        ck_assert_str_eq(lab_text(record, F(sendto, content)), "hello");
        ck_assert_int_eq(lab_number(record, F(sendto, n_fds)), 1);
        record = lab_find(WIRE_KIND_recvfrom, pid, 0);
        ck_assert_ptr_nonnull(record);
        ck_assert_str_eq(lab_text(record, F(recvfrom, content)), "hello");
        ck_assert_int_eq(lab_number(record, F(recvfrom, n_fds)), 1);
        record = lab_find(WIRE_KIND_dup, pid, 0);
        ck_assert_ptr_nonnull(record);
        ck_assert(record->flags & WIRE_COMPAT);
        ck_assert_int_eq(record->call, WIRE_CALL_recvmsg);
        ck_assert_str_eq(lab_text(record, F(dup, pathname)), lab_path("passed"));
}
END_TEST

static int use_socketcall(void *argument) {
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(9)};
        char *to = low_text("");
        int fd;

        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        memcpy(to, &address, sizeof(address));
        fd = (int)call32(NR32_socketcall, 1, LOW_WORDS(AF_INET, SOCK_DGRAM, 0), 0);
        if (fd < 0)
                return 1;
        if (call32(NR32_socketcall, 3, LOW_WORDS((uint32_t)fd, (uint32_t)(uintptr_t)to, sizeof(address)), 0) != 0)
                return 2;
        if (call32(NR32_socketcall, 9, LOW_WORDS((uint32_t)fd, (uint32_t)LOW("sent"), 4, 0), 0) != 4)
                return 3;
        return call32(NR32_socketcall, 6, LOW_WORDS((uint32_t)fd, 0, 0), 0) == -EFAULT ? 0 : 4;       /* getsockname */
}

START_TEST(a_socketcall_is_the_call_that_its_number_says_and_all_of_it_the_users) {
        const struct wire_header *record;
        pid_t pid;

        pid = lab_run(use_socketcall, NULL);
        ck_assert_int_eq(WEXITSTATUS(lab.status), 0);
        record = lab_find(WIRE_KIND_socket, pid, 0);
        ck_assert_ptr_nonnull(record);
        ck_assert(record->flags & WIRE_COMPAT);
        ck_assert_int_eq(record->call, WIRE_CALL_socket);
        ck_assert_int_eq(lab_number(record, F(socket, family)), AF_INET);
        ck_assert_uint_eq(record->user, record->known);
        record = lab_find(WIRE_KIND_connect, pid, 0);
        ck_assert_ptr_nonnull(record);
        ck_assert_int_eq(record->call, WIRE_CALL_connect);
        ck_assert_int_eq(lab_number(record, F(connect, dport)), 9);
        ck_assert(record->user & WIRE_BIT(connect, dport));
        record = lab_find(WIRE_KIND_sendto, pid, 0);
        ck_assert_ptr_nonnull(record);
        ck_assert_int_eq(record->call, WIRE_CALL_sendto);
        ck_assert_str_eq(lab_text(record, F(sendto, content)), "sent");
        ck_assert_int_eq(lab_number(record, F(sendto, dport)), 9);
        ck_assert(!(record->flags & (1U << 28)));
}
END_TEST

static int set_times_in_32_bits(void *argument) {
        long name = LOW(lab_path("timed"));

        if (call32(NR32_utime, name, LOW_WORDS(1000, 2000), 0) != 0)
                return 1;
        if (call32_5(NR32_utimensat, AT_FDCWD, name, LOW_WORDS(3000, 5, 4000, 6), 0, 0) != 0)
                return 2;
        /* A time that is none. */
        return call32(NR32_clock_settime, 0, LOW_WORDS(7, 2000000000), 0) == -EINVAL ? 0 : 3;
}

START_TEST(times_of_32_bits_are_read_as_such) {
        const int64_t second = 1000000000;
        const struct wire_header *record;
        pid_t pid;

        lab_write_file(lab_path("timed"), "x", 0600);
        pid = lab_run(set_times_in_32_bits, NULL);
        ck_assert_int_eq(WEXITSTATUS(lab.status), 0);
        record = lab_find(WIRE_KIND_utimes, pid, 0);
        ck_assert_ptr_nonnull(record);
        ck_assert_int_eq(lab_number(record, F(utimes, atime)), 1000 * second);
        ck_assert_int_eq(lab_number(record, F(utimes, mtime)), 2000 * second);
        if (!lab_has_security(WIRE_KIND_utimes))        /* which shows the kernel's own times */
                ck_assert(record->stable & WIRE_BIT(utimes, mtime));
        record = lab_find(WIRE_KIND_utimes, pid, 1);
        ck_assert_ptr_nonnull(record);
        ck_assert_int_eq(lab_number(record, F(utimes, atime)), 3000 * second + 5);
        ck_assert_int_eq(lab_number(record, F(utimes, mtime)), 4000 * second + 6);
        record = lab_find(WIRE_KIND_settime, pid, 0);
        ck_assert_ptr_nonnull(record);
        ck_assert_int_eq(lab_number(record, F(settime, value)), 9 * second);
}
END_TEST

START_TEST(native_calls_are_told_once) {
        pid_t pid;

        pid = lab_fork();
        if (pid == 0) {
                unlink(lab_path("nobody"));
                _exit(0);
        }
        lab_reap(pid);
        ck_assert_uint_eq(lab_count(WIRE_KIND_unlink, pid), 1);
        ck_assert(!(lab_find(WIRE_KIND_unlink, pid, 0)->flags & WIRE_COMPAT));
}
END_TEST

/* A 32-bit program of two calls: unlink() of its name, then exit(). An image of one segment at 1 MiB. */
static void write_narrow_program(const char *path, const char *victim) {
        static const unsigned char code[] = {
                0x31, 0xc0, 0xb0, 0x0a,         /* eax = unlink */
                0xbb, 0, 0, 0x10, 0,            /* ebx = the text behind this, put in below */
                0xcd, 0x80,
                0x31, 0xdb, 0x31, 0xc0, 0x40,   /* eax = exit, ebx = 0 */
                0xcd, 0x80,
        };
        const uint32_t base = 0x100000;
        struct {
                Elf32_Ehdr header;
                Elf32_Phdr segment;
                unsigned char code[sizeof(code)];
                char text[256];
        } image = {
                .header = {.e_type = ET_EXEC,
                           .e_machine = EM_386,
                           .e_version = EV_CURRENT,
                           .e_ehsize = sizeof(Elf32_Ehdr),
                           .e_phentsize = sizeof(Elf32_Phdr),
                           .e_phnum = 1},
                .segment = {.p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_align = 4096, .p_vaddr = base},
        };
        uint32_t text = base + offsetof(__typeof__(image), text);
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0755);

        memcpy(image.header.e_ident, ELFMAG, SELFMAG);
        image.header.e_ident[EI_CLASS] = ELFCLASS32;
        image.header.e_ident[EI_DATA] = ELFDATA2LSB;
        image.header.e_ident[EI_VERSION] = EV_CURRENT;
        image.header.e_phoff = offsetof(__typeof__(image), segment);
        image.header.e_entry = base + offsetof(__typeof__(image), code);
        image.segment.p_filesz = image.segment.p_memsz = sizeof(image);
        memcpy(image.code, code, sizeof(code));
        memcpy(image.code + 5, &text, sizeof(text));
        snprintf(image.text, sizeof(image.text), "%s", victim);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(write(fd, &image, sizeof(image)), sizeof(image));
        close(fd);
}

static int run_narrow(void *argument) {
        execl(lab_path("narrow-program"), "narrow-program", NULL);
        return 1;
}

/* Whoever runs the first one: its own calls may come before the dispatchers are there. The first scenario: the others
 * are watched because of it. */
START_TEST(a_32_bit_program_is_noticed_and_watched_from_then_on) {
        const struct wire_header *record;
        pid_t pid;

        lab_write_file(lab_path("victim"), "x", 0600);
        write_narrow_program(lab_path("narrow-program"), lab_path("victim"));
        pid = lab_run(run_narrow, NULL);
        ck_assert_int_eq(WEXITSTATUS(lab.status), 0);
        record = lab_find(WIRE_KIND_execve, pid, 0);
        ck_assert_ptr_nonnull(record);
        ck_assert(record->flags & WIRE_COMPAT);

        lab_write_file(lab_path("victim"), "x", 0600);
        pid = lab_run(run_narrow, NULL);
        record = lab_find(WIRE_KIND_unlink, pid, 0);
        ck_assert_ptr_nonnull(record);
        ck_assert(record->flags & WIRE_COMPAT);
        ck_assert_str_eq(lab_text(record, F(unlink, pathname)), lab_path("victim"));
}
END_TEST

/* A 64-bit program's own, and no 32-bit program ran. */
START_TEST(always_means_from_the_start) {
        static const struct capture_options options = {.compat = CAPTURE_COMPAT_ALWAYS};
        struct interest interest = lab_interest(wire_kind_bit(WIRE_KIND_unlink));
        const struct wire_header *record;
        pid_t pid;

        if (lab_is_quick())
                return;
        lab_open(&interest, &options);
        pid = lab_run(call_in_32_bits, NULL);
        ck_assert_int_eq(WEXITSTATUS(lab.status), 0);
        record = lab_find(WIRE_KIND_unlink, pid, 0);
        ck_assert_ptr_nonnull(record);
        ck_assert(record->flags & WIRE_COMPAT);
}
END_TEST

int main(void) {
        const TTest *const tests[] = {a_32_bit_program_is_noticed_and_watched_from_then_on,
                                      a_32_bit_call_is_the_same_kind_and_marked, a_32_bit_move_is_a_write_and_a_read,
                                      vectors_and_offsets_of_32_bits_are_read_as_such,
                                      a_message_of_32_bits_has_content_and_descriptors,
                                      a_socketcall_is_the_call_that_its_number_says_and_all_of_it_the_users,
                                      times_of_32_bits_are_read_as_such,
                                      native_calls_are_told_once, always_means_from_the_start};
        struct interest interest = lab_interest(LAB_ALL_KINDS);
        pid_t pid = fork();
        int status = -1;

        if (pid == 0)
                _exit(is_there(NULL));
        waitpid(pid, &status, 0);
        if (status != 0) {
                printf("skipped: this kernel has no 32-bit calls\n");
                return 77;
        }
        interest.content_bytes = 64;
        return lab_main("bpf/compat", tests, sizeof(tests) / sizeof(tests[0]), &interest, NULL);
}

#else

int main(void) {
        printf("skipped: only x86 has a table of 32-bit calls that is known here\n");
        return 77;
}

#endif
