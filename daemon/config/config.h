/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Config - what the administrator decided: plain data, complete and checked.
 * Everything has a default; /etc/execrayd/execrayd.yaml says only what is to be different, and over it the files
 * *.yaml in execrayd.yaml.d, in the order of their names: the last one that has a key counts, a list is replaced as a
 * whole. All faults of all files are reported, with their places; with one of them nothing is taken over.
 * config-keys.def is the list of keys and docs.
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

/* Defaults for how the daemon is used: config-profiles.def. */
enum config_profile {
        CONFIG_PROFILE_BALANCED,
        CONFIG_PROFILE_LOW_LATENCY,
        CONFIG_PROFILE_HIGH_VOLUME,
        CONFIG_PROFILE_FORENSIC,
        _CONFIG_PROFILE_MAX,
};

enum config_deny_action {
        CONFIG_DENY_ACTION_REFUSE,
        CONFIG_DENY_ACTION_KILL,
};

enum config_fail {
        CONFIG_FAIL_OPEN,
        CONFIG_FAIL_CLOSED,
};

enum config_governor {
        CONFIG_GOVERNOR_OFF,
        CONFIG_GOVERNOR_OBSERVE,
        CONFIG_GOVERNOR_ON,
};

/* Off, and else the severity plus 1. */
enum config_on_alert {
        CONFIG_ON_ALERT_OFF,
        CONFIG_ON_ALERT_INFO,
        CONFIG_ON_ALERT_LOW,
        CONFIG_ON_ALERT_MEDIUM,
        CONFIG_ON_ALERT_HIGH,
        CONFIG_ON_ALERT_CRITICAL,
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
        CONFIG_OUTPUT_ECS,
};

/* What the daemon says of itself: this and what is more important. */
enum config_log {
        CONFIG_LOG_ERROR,
        CONFIG_LOG_WARNING,
        CONFIG_LOG_NOTICE,
        CONFIG_LOG_INFO,
        CONFIG_LOG_DEBUG,
};

enum config_listen {
        CONFIG_LISTEN_OFF,
        CONFIG_LISTEN_SOCKET,
        CONFIG_LISTEN_LOOPBACK,
};

/* Where a value comes from. */
enum config_origin {
        CONFIG_ORIGIN_DEFAULT,
        CONFIG_ORIGIN_PROFILE,          /* which has another default than config-keys.def */
        CONFIG_ORIGIN_FILE,
};

/* Keys and sections, in the order of the list. */
enum config_id {
#define SECTION(section, doc) CONFIG_ID_##section,
#define SIZE(section, key, def, min, max, rule, doc) CONFIG_ID_##section##_##key,
#define DURATION(section, key, def, min, max, doc) CONFIG_ID_##section##_##key,
#define COUNT(section, key, def, min, max, doc) CONFIG_ID_##section##_##key,
#define BOOLEAN(section, key, def, doc) CONFIG_ID_##section##_##key,
#define CHOICE(section, key, type, def, words, doc) CONFIG_ID_##section##_##key,
#define LIST(section, key, item, defaults, doc) CONFIG_ID_##section##_##key,
#define END_SECTION(section)
#include "config/config-keys.def"
        _CONFIG_ID_MAX,
};

#define CONFIG_PATH "/etc/execrayd/execrayd.yaml"
#define CONFIG_FILE_MAX ((size_t)1024 * 1024)   /* of one, and of all together */
#define CONFIG_DROP_INS_MAX 64
#define CONFIG_LIST_MAX 256             /* items of one list */

struct config_list {
        const char **items;             /* arena */
        size_t n;
};

struct config {
        struct arena arena;             /* owned */
        uint8_t origins[_CONFIG_ID_MAX];        /* enum config_origin of each key */
        uint8_t origin_files[_CONFIG_ID_MAX];   /* which of `files` it is of, if of one */
        const char *files[CONFIG_DROP_INS_MAX + 1];     /* arena: their names */
        size_t n_files;
#define SECTION(section, doc) struct config_##section {
#define SIZE(section, key, def, min, max, rule, doc) uint64_t key##_bytes;
#define DURATION(section, key, def, min, max, doc) uint64_t key##_ns;
#define COUNT(section, key, def, min, max, doc) uint64_t key;
#define BOOLEAN(section, key, def, doc) bool key;
#define CHOICE(section, key, type, def, words, doc) enum type key;
#define LIST(section, key, item, defaults, doc) struct config_list key;
#define END_SECTION(section) } section;
#include "config/config-keys.def"
};

/* One file, as it was read. */
struct config_text {
        const char *name;               /* stands in the messages */
        char *text;
        size_t n;
};

struct config_files {
        struct config_text items[CONFIG_DROP_INS_MAX + 1];      /* owned; in the order in which they count */
        char *names[CONFIG_DROP_INS_MAX + 1];   /* owned */
        size_t n, n_bytes;
        bool has_main;                  /* the file itself is there, not only drop-ins */
};

/* All defaults, of this profile. -ENOMEM. Give back with config_done(), as everything below. */
int config_init(enum config_profile profile, struct config *ret);
void config_done(struct config *config);

/* The defaults of the profile that the text names, and over them what it says. `name` stands in the messages. 0;
 * -EBADMSG: read the diags, *ret is unchanged; -ENOMEM. The config does not refer to the text. */
int config_parse(const char *name, const char *text, size_t n, struct diag_set *diags, struct config *ret);

/* The same of several files, each over those before it. */
int config_parse_all(const struct config_text *texts, size_t n_texts, struct diag_set *diags, struct config *ret);

/* Read a configuration file for config_parse(): opened without following a link, owned by root or this user and
 * writable by nobody else, and the same of its directory. 0 and the text, which the caller frees; -ENOENT: there is
 * none, and that is no fault; anything else has a diag: -EBADMSG for what is not trusted, is no regular file or is too
 * large, and other errors as they are. */
int config_read(const char *path, struct diag_set *diags, char **ret_text, size_t *ret_n);

/* The file and its drop-ins, "PATH.d" with *.yaml, in a zeroed *ret that is the caller's to give back whatever comes of
 * it. 0, also if nothing is there (`has_main`, `n`); else as config_read(). */
int config_read_all(const char *path, struct diag_set *diags, struct config_files *ret);
void config_files_done(struct config_files *files);

const char *config_profile_to_string(enum config_profile profile);

/* The whole configuration as YAML that gives it again, with the docs as comments. Keys that the file did not say are
 * commented out, with a word on it where the profile gave the value; of the defaults themselves that is every key: the
 * example file that is shipped. */
void config_dump(const struct config *config, struct strbuf *b);
int config_dump_defaults(struct strbuf *b);

/* Everything that can change what an event costs, as one number: all keys but those of `performance` and the
 * optimisations. The same in every process. */
uint64_t config_fingerprint(const struct config *config);

/* What differs from the defaults, one "section.key: value # of FILE" a line, for people; says so if nothing does. */
void config_dump_changes(const struct config *config, struct strbuf *b);

/* What differs between two, one "section.key: this -> that" a line. How many keys. */
size_t config_dump_difference(const struct config *from, const struct config *to, struct strbuf *b);

/* The optimisations that can be switched off: optimisations.def. */
struct config_optimisation {
        const char *section, *name;
        enum config_id id;
};
extern const struct config_optimisation config_optimisations[];
extern const size_t n_config_optimisations;

/* Whether it is on; and switch it, whatever the file said. */
bool config_is_on(const struct config *config, const struct config_optimisation *optimisation);
void config_switch(struct config *config, const struct config_optimisation *optimisation, bool on);

/* The keys as tables in Markdown, for the documentation, and as paragraphs for the manual page. */
void config_dump_manual(struct strbuf *b);
void config_dump_reference(struct strbuf *b);
