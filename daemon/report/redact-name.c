/* SPDX-License-Identifier: Apache-2.0 */
#include "report/redact-name.h"

#include <ctype.h>
#include <string.h>

#include "base/macro.h"

#define MAX_WORDS 12
#define MAX_WORD 24

/* A whole word that speaks of a secret wherever it stands in the name. */
static const char *const secret_words[] = {
        "password",   "passwd",      "passphrase", "passcode", "passw",  "pass",          "pw",  "secret", "token",
        "credential", "credentials", "bearer",     "apikey",   "cookie", "authorization", "jwt",
};

/* What a longer word may end in: pgpassword, authtoken, clientsecret. */
static const char *const secret_endings[] = {
        "password",  "passwd",    "passphrase", "secret",  "token", "apikey",
        "secretkey", "accesskey", "privatekey", "authkey", "pass",
};

static const char *const innocent_endings[] = {
        "compass",   "bypass",  "encompass", "trespass", "surpass", "overpass",
        "underpass", "lowpass", "highpass",  "bandpass", "allpass",
};

/* `key` alone says nothing; after one of these it does. */
static const char *const key_kinds[] = {
        "api",     "access", "secret",       "private", "encryption", "signing", "master",  "auth",
        "account", "shared", "subscription", "session", "storage",    "deploy",  "service", "admin",
};

/* The last word says that it is about the secret, not the secret itself. */
static const char *const harmless_last[] = {
        "file",   "files",    "path",     "dir",      "directory", "fd",         "stdin",
        "prompt", "policy",   "length",   "len",      "size",      "min",        "max",
        "type",   "url",      "uri",      "endpoint", "id",        "name",       "names",
        "count",  "limit",    "ttl",      "expiry",   "expires",   "expiration", "lifetime",
        "age",    "timeout",  "store",    "env",      "command",   "cmd",        "algorithm",
        "alg",    "format",   "field",    "regex",    "manager",   "helper",     "provider",
        "cache",  "jar",      "required", "enabled",  "disabled",  "agent",      "authentication",
        "issuer", "audience", "scope",    "header",   "domain",    "samesite",
};

static bool word_in(const char *word, const char *const *list, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (word[0] == list[i][0] && streq(word, list[i]))
                        return true;
        return false;
}

/* Into small letters, a trailing number dropped; words too long keep their end, which is what counts. Keeps the last
 * MAX_WORDS. */
static size_t split(const char *name, size_t n, char words[static MAX_WORDS][MAX_WORD]) {
        size_t n_words = 0, i = 0;

        while (i < n) {
                size_t start = i, end, length;

                if (!isalnum((unsigned char)name[i])) {
                        i++;
                        continue;
                }
                while (i < n && isalnum((unsigned char)name[i]) &&
                       (i == start || !(islower((unsigned char)name[i - 1]) && isupper((unsigned char)name[i]))))
                        i++;

                for (end = i; end > start && isdigit((unsigned char)name[end - 1]);)
                        end--;
                if (end == start)
                        continue;

                if (n_words == MAX_WORDS) {
                        memmove(words[0], words[1], sizeof(words[0]) * (MAX_WORDS - 1));
                        n_words--;
                }
                length = MIN(end - start, (size_t)MAX_WORD - 1);
                for (size_t k = 0; k < length; k++)
                        words[n_words][k] = tolower((unsigned char)name[end - length + k]);
                words[n_words++][length] = 0;
        }

        return n_words;
}

static bool word_is_secret(const char *word) {
        size_t n = strlen(word);

        if (word_in(word, secret_words, ELEMENTSOF(secret_words)))
                return true;
        if (word_in(word, innocent_endings, ELEMENTSOF(innocent_endings)))
                return false;

        for (size_t i = 0; i < ELEMENTSOF(secret_endings); i++) {
                size_t m = strlen(secret_endings[i]);

                if (n >= m && word[n - m] == secret_endings[i][0] && memcmp(word + n - m, secret_endings[i], m) == 0)
                        return true;
        }
        return false;
}

bool redact_name_is_secret(const char *name, size_t n, const char *value, size_t n_value) {
        char words[MAX_WORDS][MAX_WORD];
        size_t n_words = split(name, n, words);

        if (n_words == 0)
                return false;
        if (word_in(words[n_words - 1], harmless_last, ELEMENTSOF(harmless_last)))
                return false;

        for (size_t i = 0; i < n_words; i++) {
                if (word_is_secret(words[i]))
                        return true;
                if (i > 0 && streq(words[i], "key") && word_in(words[i - 1], key_kinds, ELEMENTSOF(key_kinds)))
                        return true;
        }

        /* npm's _auth and its kin; `auth` inside a name ("auth_type") is nothing. */
        if (n_words == 1 && streq(words[0], "auth") && name[0] == '_')
                return true;

        /* PWD and OLDPWD are directories, MYSQL_PWD and a connection string's Pwd are not. */
        return streq(words[n_words - 1], "pwd") && !(n_value > 0 && value[0] == '/') && (n_words > 1 || n_value > 0);
}

bool redact_name_is_header(const char *name, size_t n) {
        static const char *const headers[] = {"authorization", "proxy-authorization", "cookie", "set-cookie"};

        for (size_t i = 0; i < ELEMENTSOF(headers); i++)
                if (strlen(headers[i]) == n && strncasecmp(name, headers[i], n) == 0)
                        return true;
        return false;
}
