/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Bound - what the verifier has to be told and the compiler must not know. */
#pragma once

/* The verifier must see a bound on the very value that is used, and knows less than clang, which drops a mask that it
 * can prove useless and checks one copy of a value to use another. The mask is 2^n - 1, at least the true bound. */
#define OPAQUE(x) asm volatile("" : "+r"(x))
#define BOUND(x, mask)                                                                                                 \
        do {                                                                                                           \
                OPAQUE(x);                                                                                             \
                (x) &= (mask);                                                                                         \
        } while (0)

/* 0, which clang does not know: a function that returns a constant is compiled to one that returns nothing, and what is
 * then in the register of the result the verifier may refuse (a pointer to the stack). */
static __always_inline int nothing(void) {
        int zero = 0;

        OPAQUE(zero);
        return zero;
}
