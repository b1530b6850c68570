/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Tier - which way a program comes to a security hook: as BPF LSM, by fentry on the function that calls the hook, or
 * not at all. The same program serves for both; which way it goes is chosen hook by hook, by trying, best first.
 *
 * A kernel can load and attach what it never runs: without `bpf` among its security modules the hooks of BPF LSM are
 * empty functions that nobody calls. So a trial makes a call and looks whether the program saw it. */

#include <stdbool.h>

#include "capture/capture.h"

struct bpf_program;
struct btf;

/* Of a place of hook-table.def, `lsm/NAME` or `fentry/security_NAME`. Others are CAPTURE_TIER_TRACEPOINT. */
enum capture_tier tier_of(const char *place);
const char *tier_to_string(enum capture_tier tier);

/* Does this kernel run programs of the tier? 0 or a negative errno, *ret_why (may be NULL) in words: a static string,
 * or NULL where the errno says it. Tried once, then kept. */
int tier_try(enum capture_tier tier, const char **ret_why);

/* Does it take one at this place? -ENOENT: it has no such hook. The tier's own answer is not asked for here. */
int tier_try_place(const struct btf *btf, const char *place);

/* How many arguments a program gets there; they differ between kernels. 0: there is no such hook. */
unsigned tier_n_arguments(const struct btf *btf, const char *place);

/* Make a program that is not loaded yet one for this place. */
int tier_aim(struct bpf_program *program, const char *place);
