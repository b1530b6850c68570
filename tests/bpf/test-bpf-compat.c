/* SPDX-License-Identifier: Apache-2.0 */
/* System calls through the 32-bit table: the same kinds, marked `compat`. x86 only. */
#include <elf.h>
#include <stddef.h>
#include <sys/mman.h>
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
        NR32_sendfile = 187,
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

        return call32_5(NR32_sendfile, to, from, 0, 5, 0) == 5 ? 0 : 1;
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
        record = lab_find(WIRE_KIND_write, pid, 0);
        ck_assert_ptr_nonnull(record);
        ck_assert(record->flags & WIRE_COMPAT);
        ck_assert_str_eq(lab_text(record, F(write, pathname)), lab_path("moved-to"));
        ck_assert_str_eq(lab_text(record, F(write, source_path)), lab_path("moved-from"));
        ck_assert_ptr_null(lab_find(WIRE_KIND_read, pid, 1));
        ck_assert_ptr_null(lab_find(WIRE_KIND_write, pid, 1));
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
