/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Redact name - does this name of a variable, option, key or header speak of a secret?
 * Names are taken apart at `_`, `-`, `.` and where small letters meet capitals: PGPASSWORD, client-secret, dbPassword
 * and AWS_SECRET_ACCESS_KEY do; --password-file, token_type, bypass, PWD and max_tokens do not. Pure. */

#include <stdbool.h>
#include <stddef.h>

/* `value` (n_value bytes, may be NULL if there is none to look at) only decides about names like DB_PWD, which also
 * mean a directory. */
bool redact_name_is_secret(const char *name, size_t n, const char *value, size_t n_value);

/* Is it the name of a header whose value goes on to the end of the line: Authorization, Cookie? */
bool redact_name_is_header(const char *name, size_t n);
