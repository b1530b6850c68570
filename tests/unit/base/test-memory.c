/* SPDX-License-Identifier: Apache-2.0 */
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

/* Constants of the executable that nobody needs any more. */
#define N_CONSTANTS ((size_t)1 << 20)    /* so many that a large folio is a small part of them */
static const uint32_t constants[N_CONSTANTS] = {[0] = 7, [N_CONSTANTS / 2] = 8, [N_CONSTANTS - 1] = 9};

static uint32_t sum(void) {
        const volatile uint32_t *p = constants;
        uint32_t n = 0;

        for (size_t i = 0; i < N_CONSTANTS; i++)
                n += p[i];
        return n;
}

/* KiB of the mapping that the address is in. */
static unsigned long resident(const void *address) {
        unsigned long begin, end, kib = 0;
        bool here = false;
        char line[512];
        FILE *f = fopen("/proc/self/smaps", "re");

        ck_assert_ptr_nonnull(f);
        while (fgets(line, sizeof(line), f))
                if (sscanf(line, "%lx-%lx ", &begin, &end) == 2)
                        here = begin <= (unsigned long)address && (unsigned long)address < end;
                else if (here && sscanf(line, "Rss: %lu", &kib) == 1)
                        break;
        fclose(f);
        return kib;
}

START_TEST(constants_that_were_read_once_take_no_memory_and_are_there_again) {
        ck_assert_uint_eq(sum(), 24);
        ck_assert_uint_ge(resident(constants), N_CONSTANTS * 4 / 1024 - 8);
        ck_assert_uint_ge(memory_settle(), N_CONSTANTS * 4 - 8192);
        ck_assert_uint_lt(resident(constants), N_CONSTANTS * 4 / 1024 / 2);
        ck_assert_uint_eq(sum(), 24);
}
END_TEST

START_TEST(what_was_written_stays) {
        static char data[1 << 16] = "data";     /* .data */
        static char zero[1 << 16];              /* .bss */
        char *heap = strdup("heap");

        strcpy(data + 4096, "changed");
        strcpy(zero + 4096, "changed, too");
        (void)memory_settle();
        ck_assert_str_eq(data, "data");
        ck_assert_str_eq(data + 4096, "changed");
        ck_assert_str_eq(zero + 4096, "changed, too");
        ck_assert_str_eq(heap, "heap");
        free(heap);
}
END_TEST

UNIT_MAIN("base/memory", constants_that_were_read_once_take_no_memory_and_are_there_again, what_was_written_stays)
