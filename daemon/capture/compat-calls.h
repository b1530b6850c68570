/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Compat calls - numbers of the 32-bit table of system calls, as the calls that we tell. */

#include <stddef.h>
#include <stdint.h>

#include "wire.h"

#define COMPAT_MAX_NUMBER 512
#define COMPAT_SOCKETCALL ((enum wire_call)0xfffe)      /* as in bpf/call.bpf.h */

/* enum wire_call of number `i` in the 32-bit table of this machine; COMPAT_SOCKETCALL: its first argument
 * decides. WIRE_CALL_NONE for calls that are not told, and for machines whose table cannot be known when we are built
 * (arm64). */
enum wire_call compat_call(size_t i);
