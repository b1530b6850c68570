/* SPDX-License-Identifier: Apache-2.0 */
#include "base/memory.h"

#include <elf.h>
#include <link.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/macro.h"

/* Relocations in what is read-only were written into pages of ours, which the file does not have. Nothing is built so
 * any more; what is, is left alone. */
static bool has_text_relocations(const struct dl_phdr_info *info) {
        for (size_t i = 0; i < info->dlpi_phnum; i++) {
                const ElfW(Phdr) *header = &info->dlpi_phdr[i];

                if (header->p_type != PT_DYNAMIC)
                        continue;
                for (const ElfW(Dyn) *d = (const void *)(info->dlpi_addr + header->p_vaddr); d->d_tag != DT_NULL; d++)
                        if (d->d_tag == DT_TEXTREL || (d->d_tag == DT_FLAGS && d->d_un.d_val & DF_TEXTREL))
                                return true;
        }
        return false;
}

/* Segments that are never written are as they are in the file. */
static int let_go(struct dl_phdr_info *info, size_t size, void *userdata) {
        uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
        size_t *bytes = userdata;

        if (has_text_relocations(info))
                return 0;
        for (size_t i = 0; i < info->dlpi_phnum; i++) {
                const ElfW(Phdr) *header = &info->dlpi_phdr[i];
                uintptr_t begin = info->dlpi_addr + header->p_vaddr, end = begin + header->p_filesz;

                if (header->p_type != PT_LOAD || header->p_flags & PF_W)
                        continue;
                begin = ALIGN_UP(begin, page);
                end &= ~(page - 1);
                if (begin < end && madvise((void *)begin, end - begin, MADV_DONTNEED) >= 0)
                        *bytes += end - begin;
        }
        return 0;
}

size_t memory_settle(void) {
        size_t bytes = 0;

        malloc_trim(0);
        (void)dl_iterate_phdr(let_go, &bytes);
        return bytes;
}
