/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Alert value - one value of an event or process as text of an alert: redacted, cut to size, in the alert's arena. */

#include "event/schema.h"
#include "report/alert.h"

/* What is being built: where its memory comes from, and the secrets that were seen so far. */
struct alert_builder {
        struct arena *arena;
        const struct redactor *redactor;
        struct redact_cache *cache;     /* may be NULL */
        struct redact_memory memory;
        int error;                      /* the first thing that went wrong; later calls do nothing */
};

/* Learn the secrets of a list of arguments or variables before anything is printed. */
void alert_learn(struct alert_builder *builder, enum field field, const struct value *value);

/* As bytes. A number or address is written as people do. */
struct alert_text alert_text_of(struct alert_builder *builder, enum field field, const struct value *value, size_t max);

/* Bytes of our own or of the policy's author: not redacted. */
struct alert_text alert_text_plain(struct alert_builder *builder, const char *bytes, size_t length);

/* A list of arguments: its strings, each redacted in its place, and all of them joined by spaces, at most `max` bytes.
 */
void alert_arguments(struct alert_builder *builder, enum field field, const struct value *list, size_t max,
                     struct alert_text *ret_joined, struct alert_text **ret_items, size_t *ret_n);

/* With its type kept: numbers stay numbers where that is how they are read. */
void alert_field_of(struct alert_builder *builder, enum field field, const struct value *value, int64_t offset_ns,
                    struct alert_field *ret);
