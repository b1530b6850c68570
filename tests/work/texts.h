/* SPDX-License-Identifier: Apache-2.0 */
/* Texts - policies that somebody might write to keep a compiler busy, of any size. */
#pragma once

#include <stddef.h>

#include "base/strbuf.h"

struct text_family {
        const char *name;
        void (*put)(struct strbuf *b, unsigned n);      /* n: roughly lines */
};

extern const struct text_family text_families[];
extern const size_t n_text_families;
