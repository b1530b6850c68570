/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Capture settings - the capture as configured: the same for the daemon and for the verbs that look at the kernel.
 * Pure. */

#include "capture/capture.h"
#include "config/config.h"

/* The texts of `ret` are the configuration's. */
void capture_settings_options(const struct config *config, struct capture_options *ret);

/* What may be left out, which can be changed later. */
void capture_settings_overload(const struct config *config, struct capture_overload *ret);
