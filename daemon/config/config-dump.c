/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/strbuf.h"
#include "config/config-private.h"

#define DUMP_WIDTH 100

/* The text in lines that begin with this. */
static void put_wrapped(const char *prefix, const char *text, struct strbuf *b) {
        const char *word;
        size_t n, column = 0;

        while (config_next_word(&text, ' ', &word, &n)) {
                if (column > 0 && column + 1 + n > DUMP_WIDTH) {
                        strbuf_put_char(b, '\n');
                        column = 0;
                }
                strbuf_put(b, column == 0 ? prefix : " ");
                strbuf_put_n(b, word, n);
                column += (column == 0 ? strlen(prefix) : 1) + n;
        }
        strbuf_put_char(b, '\n');
}

static void put_number(const struct config_key *key, uint64_t value, struct strbuf *b) {
        char duration[FORMAT_DURATION_MAX], size[FORMAT_SIZE_MAX];
        const char *rest = key->words, *word = "";
        size_t n = 0;

        switch (key->type) {
        case CONFIG_SIZE: strbuf_put(b, format_size(size, value)); break;
        case CONFIG_DURATION: strbuf_put(b, format_duration(duration, value)); break;
        case CONFIG_COUNT: strbuf_put_u64(b, value); break;
        case CONFIG_BOOLEAN: strbuf_put(b, value ? "yes" : "no"); break;
        case CONFIG_CHOICE:
                for (uint64_t i = 0; i <= value; i++)
                        (void)config_next_word(&rest, '|', &word, &n);
                strbuf_put_n(b, word, n);
                break;
        case CONFIG_SECTION:
        case CONFIG_LIST_PATH:
        case CONFIG_LIST_NAME: break;
        }
}

/* What a value may be, as text; nothing for what says so itself. */
static void put_range(const struct config_key *key, struct strbuf *b) {
        switch (key->type) {
        case CONFIG_SIZE:
        case CONFIG_DURATION:
        case CONFIG_COUNT:
                put_number(key, key->min, b);
                strbuf_put(b, " to ");
                put_number(key, key->max, b);
                break;
        case CONFIG_BOOLEAN: strbuf_put(b, "yes or no"); break;
        case CONFIG_CHOICE: {
                const char *rest = key->words, *word;
                size_t n;

                for (bool first = true; config_next_word(&rest, '|', &word, &n); first = false) {
                        strbuf_put(b, first ? "" : ", ");
                        strbuf_put_n(b, word, n);
                }
                break;
        }
        case CONFIG_LIST_PATH: strbuf_put(b, "a list of absolute paths"); break;
        case CONFIG_LIST_NAME: strbuf_put(b, "a list of words"); break;
        case CONFIG_SECTION: break;
        }
}

/* "low-latency 100us, high-volume 10ms": where profiles have other defaults. */
static void put_profiles(const struct config_key *key, struct strbuf *b) {
        bool first = true;

        if (key->type == CONFIG_LIST_PATH || key->type == CONFIG_LIST_NAME)
                return;
        for (enum config_profile i = 0; i < _CONFIG_PROFILE_MAX; i++) {
                uint64_t value = config_profile_number(i, key);

                if (value == key->number)
                        continue;
                strbuf_printf(b, "%s%s ", first ? "" : ", ", config_profile_to_string(i));
                put_number(key, value, b);
                first = false;
        }
}

static bool is_profiled(const struct config_key *key) {
        for (enum config_profile i = 0; i < _CONFIG_PROFILE_MAX; i++)
                if (config_profile_number(i, key) != key->number)
                        return true;
        return false;
}

void config_dump(const struct config *config, struct strbuf *b) {
        strbuf_put(b, "# Configuration of execrayd. Lines that are commented out show the defaults.\n");

        for (size_t i = 0; i < n_config_keys; i++) {
                const struct config_key *key = &config_keys[i];
                enum config_origin origin = config_origin(config, key);
                const char *mark;

                if (key->type == CONFIG_SECTION) {
                        strbuf_put_char(b, '\n');
                        put_wrapped("# ", key->doc, b);
                        strbuf_printf(b, "%s:\n", key->section);
                        continue;
                }

                mark = origin == CONFIG_ORIGIN_FILE ? "" : "#";
                strbuf_put_char(b, '\n');
                put_wrapped("        # ", key->doc, b);
                if (key->type != CONFIG_BOOLEAN && key->type != CONFIG_LIST_PATH && key->type != CONFIG_LIST_NAME) {
                        strbuf_put(b, "        # (");
                        put_range(key, b);
                        strbuf_put(b, ")\n");
                }
                if (is_profiled(key)) {
                        strbuf_put(b, "        # (with profile ");
                        put_profiles(key, b);
                        strbuf_put(b, ")\n");
                }
                strbuf_printf(b, "        %s%s:", mark, key->name);

                if (key->type == CONFIG_LIST_PATH || key->type == CONFIG_LIST_NAME) {
                        const struct config_list *list = config_get_list(config, key);

                        strbuf_put(b, list->n > 0 ? "\n" : " []\n");
                        for (size_t k = 0; k < list->n; k++) {
                                strbuf_printf(b, "        %s    - ", mark);
                                strbuf_put_json(b, list->items[k],
                                                strlen(list->items[k])); /* a JSON string is a YAML string */
                                strbuf_put_char(b, '\n');
                        }
                } else {
                        strbuf_put_char(b, ' ');
                        put_number(key, config_get_number(config, key), b);
                        if (origin == CONFIG_ORIGIN_PROFILE)
                                strbuf_printf(b, " # of profile %s",
                                              config_profile_to_string(config->performance.profile));
                        strbuf_put_char(b, '\n');
                }
        }
}

static bool is_list(const struct config_key *key) {
        return key->type == CONFIG_LIST_PATH || key->type == CONFIG_LIST_NAME;
}

static void put_value(const struct config *config, const struct config_key *key, struct strbuf *b) {
        if (!is_list(key)) {
                put_number(key, config_get_number(config, key), b);
                return;
        }
        strbuf_put_char(b, '[');
        for (size_t i = 0; i < config_get_list(config, key)->n; i++) {
                const char *item = config_get_list(config, key)->items[i];

                strbuf_put(b, i > 0 ? ", " : "");
                strbuf_put_json(b, item, strlen(item));
        }
        strbuf_put_char(b, ']');
}

static bool is_same(const struct config *a, const struct config *b, const struct config_key *key) {
        const struct config_list *x, *y;

        if (!is_list(key))
                return config_get_number(a, key) == config_get_number(b, key);
        x = config_get_list(a, key);
        y = config_get_list(b, key);
        for (size_t i = 0; i < x->n && i < y->n; i++)
                if (!streq(x->items[i], y->items[i]))
                        return false;
        return x->n == y->n;
}

size_t config_dump_difference(const struct config *from, const struct config *to, struct strbuf *b) {
        size_t n = 0;

        for (size_t i = 0; i < n_config_keys; i++) {
                const struct config_key *key = &config_keys[i];

                if (key->type == CONFIG_SECTION || is_same(from, to, key))
                        continue;
                strbuf_printf(b, "%s.%s: ", key->section, key->name);
                put_value(from, key, b);
                strbuf_put(b, " -> ");
                put_value(to, key, b);
                strbuf_put_char(b, '\n');
                n++;
        }
        return n;
}

void config_dump_changes(const struct config *config, struct strbuf *b) {
        size_t n_before = b->n;

        for (size_t i = 0; i < n_config_keys; i++) {
                const struct config_key *key = &config_keys[i];
                enum config_origin origin = config_origin(config, key);

                if (key->type == CONFIG_SECTION || origin == CONFIG_ORIGIN_DEFAULT)
                        continue;
                strbuf_printf(b, "%s.%s: ", key->section, key->name);
                put_value(config, key, b);
                if (origin == CONFIG_ORIGIN_FILE) {
                        const char *file = config->files[config->origin_files[i]];

                        strbuf_put(b, " # of ");
                        strbuf_put_text(b, file, strlen(file));
                        strbuf_put_char(b, '\n');
                } else
                        strbuf_printf(b, " # of profile %s\n", config_profile_to_string(config->performance.profile));
        }
        if (b->n == n_before)
                strbuf_put(b, "# everything has its default\n");
}

int config_dump_defaults(struct strbuf *b) {
        _cleanup_(config_done) struct config config = {};
        int r;

        r = config_init(CONFIG_PROFILE_BALANCED, &config);
        if (r < 0)
                return r;
        config_dump(&config, b);
        return b->error;
}

static void put_default_list(const struct config_key *key, const char *between, struct strbuf *b) {
        const char *rest = key->words, *word;
        size_t n;

        for (bool first = true; config_next_word(&rest, '\n', &word, &n); first = false)
                strbuf_printf(b, "%s`%.*s`", first ? "" : between, (int)n, word);
}

static void put_reference_default(const struct config_key *key, struct strbuf *b) {
        if (key->type != CONFIG_LIST_PATH && key->type != CONFIG_LIST_NAME) {
                strbuf_put_char(b, '`');
                put_number(key, key->number, b);
                strbuf_put_char(b, '`');
                return;
        }
        put_default_list(key, "<br>", b);
        if (!*key->words)
                strbuf_put(b, "none");
}

static void put_profile_table(struct strbuf *b) {
        strbuf_put(b, "\n## Profiles\n\nThe defaults that `performance.profile` changes; a key that stands in the file "
                      "has what"
                      " stands there.\n\n| Key |");
        for (enum config_profile i = 0; i < _CONFIG_PROFILE_MAX; i++)
                strbuf_printf(b, " `%s` |", config_profile_to_string(i));
        strbuf_put(b, "\n|---|");
        for (enum config_profile i = 0; i < _CONFIG_PROFILE_MAX; i++)
                strbuf_put(b, "---|");
        strbuf_put_char(b, '\n');

        for (size_t i = 0; i < n_config_keys; i++) {
                const struct config_key *key = &config_keys[i];

                if (key->type == CONFIG_SECTION || !is_profiled(key))
                        continue;
                strbuf_printf(b, "| `%s.%s` |", key->section, key->name);
                for (enum config_profile k = 0; k < _CONFIG_PROFILE_MAX; k++) {
                        strbuf_put(b, " `");
                        put_number(key, config_profile_number(k, key), b);
                        strbuf_put(b, "` |");
                }
                strbuf_put_char(b, '\n');
        }
}

void config_dump_manual(struct strbuf *b) {
        for (size_t i = 0; i < n_config_keys; i++) {
                const struct config_key *key = &config_keys[i];

                if (key->type == CONFIG_SECTION) {
                        strbuf_printf(b, "## %s\n\n%s\n\n", key->section, key->doc);
                        continue;
                }
                strbuf_printf(b, "**%s**", key->name);
                if (!is_list(key)) {
                        strbuf_put(b, " (");
                        put_range(key, b);
                        strbuf_put(b, key->is_power_of_two ? ", a power of two; default " : "; default ");
                        put_number(key, key->number, b);
                        strbuf_put(b, is_profiled(key) ? ", with profile " : "");
                        put_profiles(key, b);
                        strbuf_put_char(b, ')');
                } else if (!*key->words)
                        strbuf_put(b, " (a list; default none)");
                else {
                        strbuf_put(b, " (a list; default ");
                        put_default_list(key, ", ", b);
                        strbuf_put_char(b, ')');
                }
                strbuf_printf(b, ": %s\n\n", key->doc);
        }
}

void config_dump_reference(struct strbuf *b) {
        for (size_t i = 0; i < n_config_keys; i++) {
                const struct config_key *key = &config_keys[i];

                if (key->type == CONFIG_SECTION) {
                        strbuf_printf(b, "%s## %s\n\n%s\n\n", i > 0 ? "\n" : "", key->section, key->doc);
                        strbuf_put(b, "| Key | Default | Values | Meaning |\n|---|---|---|---|\n");
                        continue;
                }
                strbuf_printf(b, "| `%s` | ", key->name);
                put_reference_default(key, b);
                strbuf_put(b, " | ");
                put_range(key, b);
                strbuf_printf(b, "%s | %s |\n", key->is_power_of_two ? ", a power of two" : "", key->doc);
        }
        put_profile_table(b);
}
