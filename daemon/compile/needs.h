/* SPDX-License-Identifier: Apache-2.0 */
/* Needs - what the program needs to be told of, as narrow as can be proved: kinds; whether failed and successful calls
 * matter; for openat, flag bits of which every use needs one; how much written content; which variables of the
 * environment. Fills out.interest. */
#pragma once

#include "compile/compilation.h"

void needs_collect(struct compilation *c);
