/* SPDX-License-Identifier: Apache-2.0 */
#include "event/constants.h"

/* The kernel's own headers where the C library's differ: glibc says that O_LARGEFILE is 0, the kernel's file does not.
 * They can not be had beside <fcntl.h>, which is why this file is alone. */
#include <errno.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/io_uring.h>
#include <linux/keyctl.h>
#include <linux/memfd.h>
#include <linux/mman.h>
#include <linux/mount.h>
#include <linux/prctl.h>
#include <linux/ptrace.h>
#include <linux/reboot.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <linux/in.h>

#include "base/macro.h"

/* arm64 never had them. A policy means the same everywhere, and nothing else has their numbers. */
#ifndef PTRACE_GETREGS
#define PTRACE_GETREGS 12
#define PTRACE_SETREGS 13
#define PTRACE_GETFPREGS 14
#define PTRACE_SETFPREGS 15
#endif

static const struct constant constants[] = {
#define CONSTANT(constant_format, constant_name)                                                                       \
        { .name = #constant_name, .format = FORMAT_##constant_format, .value = (int64_t)(constant_name) },
#define WORD(constant_format, constant_word, constant_value)                                                           \
        { .name = constant_word, .format = FORMAT_##constant_format, .value = constant_value },
#include "event/constants.def"
};

const struct constant *constant_at(size_t i) {
        return i < ELEMENTSOF(constants) ? &constants[i] : NULL;
}

const char *constant_name(enum field_format format, int64_t value) {
        for (size_t i = 0; i < ELEMENTSOF(constants); i++)
                if (constants[i].format == format && constants[i].value == value)
                        return constants[i].name;
        return NULL;
}

const char *constant_take_flag(enum field_format format, uint64_t *bits) {
        for (size_t i = 0; i < ELEMENTSOF(constants) && *bits != 0; i++) {
                const struct constant *c = &constants[i];

                if (c->format == format && c->value > 0 && ((uint64_t)c->value & ~*bits) == 0) {
                        *bits &= ~(uint64_t)c->value;
                        return c->name;
                }
        }
        return NULL;
}

bool schema_constant(const char *name, size_t length, enum field_format format, int64_t *ret) {
        for (size_t i = 0; i < ELEMENTSOF(constants); i++) {
                const struct constant *c = &constants[i];

                if ((format == FORMAT_PLAIN ? c->format != FORMAT_CALL : c->format == format) &&
                    memeq_str(name, length, c->name)) {
                        *ret = c->value;
                        return true;
                }
        }
        return false;
}
