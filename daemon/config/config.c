/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/parse.h"
#include "base/priority.h"
#include "config/config-private.h"
#include "config/yaml-reader.h"

/* The list of keys as a table. */
#define AT(section, member) offsetof(struct config, section.member)
#define SECTION(section_, text) {.type = CONFIG_SECTION, .section = #section_, .doc = text},
#define SIZE(section_, key_, def, low, high, rule, text) \
        {.type = CONFIG_SIZE, \
         .section = #section_, \
         .name = #key_, \
         .offset = AT(section_, key_##_bytes), \
         .number = def, \
         .min = low, \
         .max = high, \
         .is_power_of_two = CONFIG_RULE_##rule, \
         .doc = text},
#define DURATION(section_, key_, def, low, high, text) \
        {.type = CONFIG_DURATION, \
         .section = #section_, \
         .name = #key_, \
         .offset = AT(section_, key_##_ns), \
         .number = def, \
         .min = low, \
         .max = high, \
         .doc = text},
#define COUNT(section_, key_, def, low, high, text)                                                                    \
        {.type = CONFIG_COUNT, .section = #section_, .name = #key_, .offset = AT(section_, key_), .number = def,       \
         .min = low, .max = high, .doc = text},
#define BOOLEAN(section_, key_, def, text) \
        {.type = CONFIG_BOOLEAN, \
         .section = #section_, \
         .name = #key_, \
         .offset = AT(section_, key_), \
         .number = def, \
         .doc = text},
#define CHOICE(section_, key_, enum_, def, words_, text)                                                               \
        {.type = CONFIG_CHOICE, .section = #section_, .name = #key_, .offset = AT(section_, key_), .number = def,      \
         .words = words_, .doc = text},
#define LIST(section_, key_, item, defaults, text) \
        {.type = CONFIG_LIST_##item, \
         .section = #section_, \
         .name = #key_, \
         .offset = AT(section_, key_), \
         .words = defaults, \
         .doc = text},
#define END_SECTION(section_)
#define CONFIG_RULE_ANY false
#define CONFIG_RULE_POWER_OF_TWO true

const struct config_key config_keys[] = {
#include "config/config-keys.def"
};
const size_t n_config_keys = ELEMENTSOF(config_keys);

/* An enum is written through an int. */
_Static_assert(sizeof(enum config_compat) == sizeof(int) && sizeof(enum config_backend) == sizeof(int) &&
                       sizeof(enum config_severity) == sizeof(int) && sizeof(enum config_output) == sizeof(int) &&
                       sizeof(enum config_profile) == sizeof(int) && sizeof(enum config_governor) == sizeof(int) &&
                       sizeof(enum config_on_alert) == sizeof(int) && sizeof(enum config_log) == sizeof(int),
               "an enum is not an int");

static void *config_member(const struct config *config, const struct config_key *key) {
        return (char *)config + key->offset;
}

uint64_t config_get_number(const struct config *config, const struct config_key *key) {
        const void *member = config_member(config, key);

        switch (key->type) {
        case CONFIG_SIZE:
        case CONFIG_DURATION:
        case CONFIG_COUNT: return *(const uint64_t *)member;
        case CONFIG_BOOLEAN: return *(const bool *)member;
        case CONFIG_CHOICE: return *(const int *)member;
        case CONFIG_SECTION:
        case CONFIG_LIST_PATH:
        case CONFIG_LIST_NAME: break;
        }
        return 0;
}

const struct config_list *config_get_list(const struct config *config, const struct config_key *key) {
        return config_member(config, key);
}

void config_set_number(struct config *config, const struct config_key *key, uint64_t value) {
        void *member = config_member(config, key);

        switch (key->type) {
        case CONFIG_SIZE:
        case CONFIG_DURATION:
        case CONFIG_COUNT: *(uint64_t *)member = value; break;
        case CONFIG_BOOLEAN: *(bool *)member = value; break;
        case CONFIG_CHOICE: *(int *)member = value; break;
        case CONFIG_SECTION:
        case CONFIG_LIST_PATH:
        case CONFIG_LIST_NAME: break;
        }
}

bool config_next_word(const char **rest, char separator, const char **ret, size_t *ret_n) {
        const char *end;

        if (!**rest)
                return false;
        end = strchrnul(*rest, separator);
        *ret = *rest;
        *ret_n = end - *rest;
        *rest = *end ? end + 1 : end;
        return true;
}

static int config_set_default_list(struct config *config, const struct config_key *key) {
        struct config_list *list = config_member(config, key);
        const char *rest = key->words, *word;
        size_t n, count = 0;

        while (config_next_word(&rest, '\n', &word, &n))
                count++;

        *list = (struct config_list){.items = arena_new_array(&config->arena, const char *, count)};
        if (!list->items)
                return -ENOMEM;
        for (rest = key->words; config_next_word(&rest, '\n', &word, &n); list->n++) {
                list->items[list->n] = arena_strndup(&config->arena, word, n);
                if (!list->items[list->n])
                        return -ENOMEM;
        }
        return 0;
}

int config_init(enum config_profile profile, struct config *ret) {
        _cleanup_(config_done) struct config config = {};
        int r;

        assert(profile >= 0 && profile < _CONFIG_PROFILE_MAX && ret);

        arena_init(&config.arena, 4 * CONFIG_FILE_MAX);
        for (size_t i = 0; i < n_config_keys; i++) {
                const struct config_key *key = &config_keys[i];

                if (key->type == CONFIG_LIST_PATH || key->type == CONFIG_LIST_NAME) {
                        r = config_set_default_list(&config, key);
                        if (r < 0)
                                return r;
                } else
                        config_set_number(&config, key, config_profile_number(profile, key));
                config.origins[i] = config_origin(&config, key);
        }
        config.performance.profile = profile;

        *ret = TAKE_STRUCT(config);
        return 0;
}

void config_done(struct config *config) {
        arena_done(&config->arena);
        *config = (struct config){};
}

/* What the text may say, for the message: "4K to 256M". */
static void config_put_range(const struct config_key *key, char *buffer, size_t size) {
        char low[FORMAT_DURATION_MAX], high[FORMAT_DURATION_MAX];

        if (key->type == CONFIG_SIZE)
                snprintf(buffer, size, "%s to %s", format_size(low, key->min), format_size(high, key->max));
        else if (key->type == CONFIG_DURATION)
                snprintf(buffer, size, "%s to %s", format_duration(low, key->min), format_duration(high, key->max));
        else
                snprintf(buffer, size, "%" PRIu64 " to %" PRIu64, key->min, key->max);
}

static int config_parse_number(const struct config_key *key, const struct yaml_node *node, struct diag_set *diags,
                               uint64_t *ret) {
        const char *what = "number", *example = "4096";
        char range[2 * FORMAT_DURATION_MAX + 8];
        int r;

        if (key->type == CONFIG_SIZE) {
                what = "size";
                example = "512K or 16M";
                r = parse_size_n(node->text, node->n, key->min, key->max, ret);
        } else if (key->type == CONFIG_DURATION) {
                what = "duration";
                example = "500ms, 30s or 1h30min";
                r = parse_duration_n(node->text, node->n, key->min, key->max, ret);
        } else
                r = parse_u64_n(node->text, node->n, key->min, key->max, ret);

        if (r == -ERANGE) {
                config_put_range(key, range, sizeof(range));
                return diag_error(diags, node->span, "%s.%s must be from %s", key->section, key->name, range);
        }
        if (r < 0) {
                diag_error(diags, node->span, "'%s' is not a %s", node->text, what);
                diag_hint(diags, "write it like %s", example);
                return -EBADMSG;
        }
        if (key->is_power_of_two && !is_pow2(*ret)) {
                char lower[FORMAT_SIZE_MAX], higher[FORMAT_SIZE_MAX];

                diag_error(diags, node->span, "%s.%s must be a power of two", key->section, key->name);
                diag_hint(diags, "the nearest are %s and %s", format_size(lower, round_up_pow2(*ret) / 2),
                          format_size(higher, round_up_pow2(*ret)));
                return -EBADMSG;
        }
        return 0;
}

static int config_parse_boolean(const struct config_key *key, const struct yaml_node *node, struct diag_set *diags,
                                uint64_t *ret) {
        bool value;

        if (parse_bool_n(node->text, node->n, &value) < 0) {
                diag_error(diags, node->span, "'%s' is neither yes nor no", node->text);
                return -EBADMSG;
        }
        *ret = value;
        return 0;
}

static int config_parse_choice(const struct config_key *key, const struct yaml_node *node, struct diag_set *diags,
                               uint64_t *ret) {
        char copies[8][24];
        const char *rest = key->words, *word, *words[ELEMENTSOF(copies)];
        size_t n, count = 0;

        for (; config_next_word(&rest, '|', &word, &n); count++) {
                assert(count < ELEMENTSOF(copies) && n < sizeof(copies[0]));
                if (n == node->n && memcmp(word, node->text, n) == 0) {
                        *ret = count;
                        return 0;
                }
                snprintf(copies[count], sizeof(copies[0]), "%.*s", (int)n, word);
                words[count] = copies[count];
        }

        diag_error(diags, node->span, "'%s' is none of %s", node->text, key->words);
        diag_did_you_mean(diags, diag_closest_n(node->text, node->n, words, count));
        return -EBADMSG;
}

static bool config_check_item(const struct config_key *key, const struct yaml_node *item, struct diag_set *diags) {
        if (item->type != YAML_SCALAR)
                diag_error(diags, item->span, "%s.%s is a list of plain values", key->section, key->name);
        else if (item->n == 0)
                diag_error(diags, item->span, "an empty item");
        else if (key->type == CONFIG_LIST_PATH && (item->text[0] != '/' || item->n >= PATH_MAX))
                diag_error(diags, item->span, "'%s' is not an absolute path", item->text);
        else
                return true;
        return false;
}

static int config_parse_list(struct config *config, const struct config_key *key, const struct yaml_node *node,
                             struct diag_set *diags) {
        struct config_list list = {};
        size_t count = 0;

        if (node->type != YAML_SEQUENCE) {
                diag_error(diags, node->span, "%s.%s is a list, not %s", key->section, key->name,
                           yaml_type_to_string(node->type));
                diag_hint(diags, "write one item a line, each after '- ', or [a, b] on one line, [] for none");
                return -EBADMSG;
        }

        for (const struct yaml_node *item = node->first; item; item = item->next)
                count++;
        if (count > CONFIG_LIST_MAX)
                return diag_error(diags, node->span, "%s.%s has %zu items, more than %d", key->section, key->name,
                                  count, CONFIG_LIST_MAX);

        list.items = arena_new_array(&config->arena, const char *, count);
        if (!list.items)
                return -ENOMEM;
        for (const struct yaml_node *item = node->first; item; item = item->next) {
                if (!config_check_item(key, item, diags))
                        continue;
                list.items[list.n] = arena_strndup(&config->arena, item->text, item->n);
                if (!list.items[list.n++])
                        return -ENOMEM;
        }

        *(struct config_list *)config_member(config, key) = list;
        return 0;
}

static int config_parse_value(struct config *config, const struct config_key *key, const struct yaml_node *node,
                              struct diag_set *diags) {
        uint64_t value;
        int r = 0;

        if (node->type == YAML_SCALAR && node->n == 0 && node->is_plain) {
                diag_error(diags, node->key->span, "%s.%s has no value", key->section, key->name);
                diag_hint(diags, "leave the line out to get the default");
                return -EBADMSG;
        }

        if (key->type == CONFIG_LIST_PATH || key->type == CONFIG_LIST_NAME)
                return config_parse_list(config, key, node, diags);

        if (node->type != YAML_SCALAR)
                return diag_error(diags, node->span, "%s.%s is one value, not %s", key->section, key->name,
                                  yaml_type_to_string(node->type));

        switch (key->type) {
        case CONFIG_SIZE:
        case CONFIG_DURATION:
        case CONFIG_COUNT: r = config_parse_number(key, node, diags, &value); break;
        case CONFIG_BOOLEAN: r = config_parse_boolean(key, node, diags, &value); break;
        case CONFIG_CHOICE: r = config_parse_choice(key, node, diags, &value); break;
        case CONFIG_SECTION:
        case CONFIG_LIST_PATH:
        case CONFIG_LIST_NAME: return 0;
        }
        if (r < 0)
                return r;

        config_set_number(config, key, value);
        return 0;
}

static const struct config_key *find_section(const char *name) {
        for (size_t i = 0; i < n_config_keys; i++)
                if (config_keys[i].type == CONFIG_SECTION && streq(config_keys[i].section, name))
                        return &config_keys[i];
        return NULL;
}

/* The key of this name, in this section or, with section NULL, in any. */
static const struct config_key *find_key(const char *section, const char *name) {
        for (size_t i = 0; i < n_config_keys; i++)
                if (config_keys[i].type != CONFIG_SECTION && (!section || streq(config_keys[i].section, section)) &&
                    streq(config_keys[i].name, name))
                        return &config_keys[i];
        return NULL;
}

/* The names that could have been meant: the sections, or the keys of a section. */
static const char *find_closest(const char *section, const struct yaml_node *name) {
        const char *names[ELEMENTSOF(config_keys)];
        size_t n = 0;

        for (size_t i = 0; i < n_config_keys; i++) {
                const struct config_key *key = &config_keys[i];

                if (!section && key->type == CONFIG_SECTION)
                        names[n++] = key->section;
                else if (section && key->type != CONFIG_SECTION && streq(key->section, section))
                        names[n++] = key->name;
        }
        return diag_closest_n(name->text, name->n, names, n);
}

static int config_parse_section(struct config *config, const struct config_key *section, const struct yaml_node *node,
                                struct diag_set *diags) {
        bool is_wrong = false;
        int r;

        if (node->type == YAML_SCALAR && node->n == 0 && node->is_plain)
                return 0;               /* all its keys are commented out */
        if (node->type != YAML_MAPPING)
                return diag_error(diags, node->span, "'%s' is a section of keys, not %s", section->section,
                                  yaml_type_to_string(node->type));

        for (const struct yaml_node *value = node->first; value; value = value->next) {
                const struct config_key *key = find_key(section->section, value->key->text), *other;

                if (!key) {
                        is_wrong = true;
                        diag_error(diags, value->key->span, "unknown key '%s' in section '%s'", value->key->text,
                                   section->section);
                        other = find_key(NULL, value->key->text);
                        if (other)
                                diag_hint(diags, "it belongs in section '%s'", other->section);
                        else
                                diag_did_you_mean(diags, find_closest(section->section, value->key));
                        continue;
                }

                config->origins[key - config_keys] = CONFIG_ORIGIN_FILE;
                config->origin_files[key - config_keys] = (uint8_t)config->n_files;
                r = config_parse_value(config, key, value, diags);
                if (r == -EBADMSG)
                        is_wrong = true;
                else if (r < 0)
                        return r;
        }
        return is_wrong ? -EBADMSG : 0;
}

static int config_parse_root(struct config *config, const struct yaml_node *root, struct diag_set *diags) {
        bool is_wrong = false;
        int r;

        if (root->type == YAML_SCALAR && root->n == 0 && root->is_plain)
                return 0;               /* only "---" */
        if (root->type != YAML_MAPPING)
                return diag_error(diags, root->span, "a configuration consists of sections, this is %s",
                                  yaml_type_to_string(root->type));

        for (const struct yaml_node *node = root->first; node; node = node->next) {
                const struct config_key *section = find_section(node->key->text), *key;

                if (!section) {
                        is_wrong = true;
                        diag_error(diags, node->key->span, "unknown section '%s'", node->key->text);
                        key = find_key(NULL, node->key->text);
                        if (key)
                                diag_hint(diags, "'%s' belongs in section '%s'", key->name, key->section);
                        else
                                diag_did_you_mean(diags, find_closest(NULL, node->key));
                        continue;
                }

                r = config_parse_section(config, section, node, diags);
                if (r == -EBADMSG)
                        is_wrong = true;
                else if (r < 0)
                        return r;
        }
        return is_wrong ? -EBADMSG : 0;
}

/* Its defaults stand before anything else is read. What is wrong with it is said when it is its turn. */
static enum config_profile find_profile(const struct yaml_node *root) {
        for (const struct yaml_node *section = root ? root->first : NULL; section; section = section->next) {
                if (root->type != YAML_MAPPING || section->type != YAML_MAPPING ||
                    !streq(section->key->text, "performance"))
                        continue;
                for (const struct yaml_node *value = section->first; value; value = value->next)
                        for (enum config_profile i = 0; i < _CONFIG_PROFILE_MAX; i++)
                                if (streq(value->key->text, "profile") && value->type == YAML_SCALAR &&
                                    memeq_str(value->text, value->n, config_profile_to_string(i)))
                                        return i;
        }
        return _CONFIG_PROFILE_MAX;
}

/* The last file that names one. */
static enum config_profile find_profile_of(const struct yaml_node *const roots[], size_t n) {
        enum config_profile found = _CONFIG_PROFILE_MAX;

        for (size_t i = n; i > 0 && found == _CONFIG_PROFILE_MAX; i--)
                found = find_profile(roots[i - 1]);
        return found == _CONFIG_PROFILE_MAX ? CONFIG_PROFILE_BALANCED : found;
}

int config_parse_all(const struct config_text *texts, size_t n_texts, struct diag_set *diags, struct config *ret) {
        const struct yaml_node *roots[CONFIG_DROP_INS_MAX + 1] = {};
        _cleanup_(config_done) struct config config = {};
        _cleanup_(arena_done) struct arena arena = {};
        size_t n_before = diags->n_errors;
        bool is_wrong = false;
        int r;

        assert((texts || n_texts == 0) && n_texts <= ELEMENTSOF(roots) && diags && ret);

        arena_init(&arena, 8 * CONFIG_FILE_MAX);
        for (size_t i = 0; i < n_texts; i++) {
                struct yaml_node *root = NULL;

                r = yaml_read(texts[i].name, texts[i].text, texts[i].n, &arena, diags, &root);
                if (r < 0 && r != -EBADMSG)
                        return r;
                is_wrong |= r < 0;
                roots[i] = root;
        }
        r = config_init(find_profile_of(roots, n_texts), &config);
        if (r < 0)
                return r;
        for (size_t i = 0; i < n_texts; i++) {
                config.n_files = i;
                config.files[i] = arena_strndup(&config.arena, texts[i].name, strlen(texts[i].name));
                if (!config.files[i])
                        return -ENOMEM;
                if (!roots[i])
                        continue;
                r = config_parse_root(&config, roots[i], diags);
                if (r < 0 && r != -EBADMSG)
                        return r;
                is_wrong |= r < 0;
        }
        config.n_files = n_texts;
        if (is_wrong || diags->n_errors > n_before)
                return -EBADMSG;        /* what the YAML reader left out, or an item of a list, too */

        *ret = TAKE_STRUCT(config);
        return 0;
}

int config_parse(const char *name, const char *text, size_t n, struct diag_set *diags, struct config *ret) {
        const struct config_text whole = {.name = name, .text = (char *)text, .n = n};

        assert(name);

        return config_parse_all(&whole, 1, diags, ret);
}
