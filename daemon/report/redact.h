/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Redact - take secrets out of text that programs were given or wrote, before it leaves the daemon in any form.
 *
 * Alerts are read by group adm, mailed and kept for years; a password in an argument vector must not travel with them.
 * What is taken out reads [redacted], whatever its length. It finds NAME=value, "name": "value", name: value    where
 * the name speaks of a secret (redact-name.h)
 *      --name value, --name=value, -name value     the same for options
 *      -pVALUE and its kin                         options that mean a password to one tool (redact-tools.def)
 *      Authorization: Scheme value, Bearer value, Cookie: value
 *      scheme://user:value@host
 *      tokens that are known by their shape (AWS, GitHub, GitLab, Slack, JWT, ...) and private keys in PEM
 * It errs on the side of hiding, but never hides a path, a user, a host or a program. It cannot know a secret that
 * nothing gives away: `echo hunter2`. Policies match on the true bytes; redaction is for what is shown. Pure. A
 * redactor is immutable once made. */

#include <stdbool.h>
#include <stddef.h>

#include "base/macro.h"

struct redact_cache;
struct redactor;
struct strbuf;

struct redact_options {
        bool disabled;                  /* show everything: the operator's explicit wish */
        const char *const *names;       /* more names of secrets, as shell patterns in any case ("*_pin"); copied */
        size_t n_names;
};

/* What kind of text it is. */
enum redact_mode {
        REDACT_TEXT,                    /* free text: written content, one word of a command line */
        REDACT_ARGUMENTS,               /* strings one after the other, each ended by NUL: the first is the program */
        REDACT_ENVIRONMENT,             /* the same, each NAME=value */
        REDACT_PATHNAME,                /* a path: only URLs, query strings and tokens known by their shape */
};

#define REDACT_MAX_SPANS 64
#define REDACT_MAX_MEMORY 32

/* Where the secrets of one text lie, in order, not touching. More than fit: the last one reaches to the end of the
 * text. */
struct redact_spans {
        struct redact_span {
                size_t start, end;
        } items[REDACT_MAX_SPANS];
        size_t n;
};

/* Secrets that were seen in the texts of one alert: the value of `--password` is also hidden where it stands alone, as
 * a captured `argv[3]`. Borrowed from those texts. Full, it forgets no secret but learns no more. */
struct redact_memory {
        struct redact_secret {
                const char *bytes;
                size_t length;
        } items[REDACT_MAX_MEMORY];
        size_t n;
};

int redactor_new(const struct redact_options *options, struct redactor **ret);
struct redactor *redactor_free(struct redactor *redactor);

/* Find the secrets of a text. `memory` may be NULL; with it, secrets known there are found too, except in
 * REDACT_PATHNAME: paths are evidence, and `--password /etc/shadow` must not hide one. `cache` (redact-cache.h) may be
 * NULL, and changes nothing but how long it takes. */
void redact_find(const struct redactor *redactor, enum redact_mode mode, const char *text, size_t length,
                 const struct redact_memory *memory, struct redact_cache *cache, struct redact_spans *ret);

/* Remember what was found. */
void redact_remember(struct redact_memory *memory, const char *text, const struct redact_spans *spans);

/* Append text[from..to) with its secrets replaced. */
void redact_put(const char *text, size_t from, size_t to, const struct redact_spans *spans, struct strbuf *b);
