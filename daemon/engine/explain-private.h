/* SPDX-License-Identifier: Apache-2.0 */
/* Explain, inside - what its texts (explain-text.c) read. */
#pragma once

#include "engine/eval.h"
#include "engine/explain.h"

struct eval *explain_eval(struct explain *explain);
const char *explain_label(struct explain *explain, const struct identity *id);      /* NULL: none */
