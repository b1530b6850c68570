/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Config - what the administrator decided: plain data, complete and checked.
 * Everything has a default; /etc/execrayd/execrayd.yaml says only what is to be different. All faults of a file are
 * reported, with their places; with one of them nothing is taken over. config-keys.def is the list of keys and docs.
 *
 *      struct config has a structure per section:      config.capture.ring_size_bytes, config.process.grace_ns
 *
 * Strings and lists lie in the arena of the config and live as long as it does. */

#include "base/arena.h"
#include "base/diag.h"

struct strbuf;

enum config_compat {
        CONFIG_COMPAT_AUTO,
        CONFIG_COMPAT_ALWAYS,
        CONFIG_COMPAT_OFF,
};

enum config_backend {
        CONFIG_BACKEND_AUTO,
        CONFIG_BACKEND_FENTRY,
        CONFIG_BACKEND_TRACEPOINT,
};

/* In the order of enum severity of the program, which this room does not see. */
enum config_severity {
        CONFIG_SEVERITY_INFO,
        CONFIG_SEVERITY_LOW,
        CONFIG_SEVERITY_MEDIUM,
        CONFIG_SEVERITY_HIGH,
        CONFIG_SEVERITY_CRITICAL,
};

enum config_output {
        CONFIG_OUTPUT_AUTO,
        CONFIG_OUTPUT_JOURNAL,
        CONFIG_OUTPUT_TEXT,
        CONFIG_OUTPUT_JSON,
};

struct config_list {
        const char **items;             /* arena */
        size_t n;
};

struct config {
        struct arena arena;             /* owned */
#define SECTION(section, doc) struct config_##section {
#define SIZE(section, key, def, min, max, rule, doc) uint64_t key##_bytes;
#define DURATION(section, key, def, min, max, doc) uint64_t key##_ns;
#define COUNT(section, key, def, min, max, doc) uint64_t key;
#define BOOLEAN(section, key, def, doc) bool key;
#define CHOICE(section, key, type, def, words, doc) enum type key;
#define LIST(section, key, item, defaults, doc) struct config_list key;
#define END_SECTION(section) } section;
#include "config/config-keys.def"
#undef SECTION
#undef SIZE
#undef DURATION
#undef COUNT
#undef BOOLEAN
#undef CHOICE
#undef LIST
#undef END_SECTION
};

#define CONFIG_PATH "/etc/execrayd/execrayd.yaml"
#define CONFIG_FILE_MAX ((size_t)1024 * 1024)
#define CONFIG_LIST_MAX 256             /* items of one list */

/* All defaults. -ENOMEM. Give back with config_done(), as everything below. */
int config_init(struct config *ret);
void config_done(struct config *config);

/* The defaults, and over them what the text says. `name` stands in the messages. 0; -EBADMSG: read the diags, *ret is
 * unchanged; -ENOMEM. The config does not refer to the text. */
int config_parse(const char *name, const char *text, size_t n, struct diag_set *diags, struct config *ret);

/* Read a configuration file for config_parse(): opened without following a link, owned by root or this user and
 * writable by nobody else, and the same of its directory. 0 and the text, which the caller frees; -ENOENT: there is
 * none, and that is no fault; anything else has a diag: -EBADMSG for what is not trusted, is no regular file or is too
 * large, and other errors as they are. */
int config_read(const char *path, struct diag_set *diags, char **ret_text, size_t *ret_n);

/* The whole configuration as YAML that gives it again, with the docs as comments. Keys that have their default are
 * commented out; of the defaults themselves that is every key: the example file that is shipped. */
void config_dump(const struct config *config, struct strbuf *b);
int config_dump_defaults(struct strbuf *b);

/* The keys as a table in Markdown, for the documentation. */
void config_dump_reference(struct strbuf *b);
