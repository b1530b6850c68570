/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Config, inside - the list of keys as a table, for the reader and the writer. */

#include "config/config.h"

enum config_type {
        CONFIG_SECTION,                 /* opens a section; only .section and .doc */
        CONFIG_SIZE,
        CONFIG_DURATION,
        CONFIG_COUNT,
        CONFIG_BOOLEAN,
        CONFIG_CHOICE,
        CONFIG_LIST_PATH,
        CONFIG_LIST_NAME,
};

struct config_key {
        enum config_type type;
        const char *section, *name, *doc;
        size_t offset;                  /* in struct config */
        uint64_t number;                /* default: bytes, nanoseconds, count, 0/1, place among the words */
        uint64_t min, max;
        bool is_power_of_two;
        const char *words;              /* of a choice "a|b"; of a list its defaults, each ended by '\n' */
};

extern const struct config_key config_keys[];
extern const size_t n_config_keys;

uint64_t config_get_number(const struct config *config, const struct config_key *key);
void config_set_number(struct config *config, const struct config_key *key, uint64_t value);
const struct config_list *config_get_list(const struct config *config, const struct config_key *key);

/* The default of a key that is no list, in this profile. */
uint64_t config_profile_number(enum config_profile profile, const struct config_key *key);
enum config_origin config_origin(const struct config *config, const struct config_key *key);

/* Take the next word off *rest; false at the end. */
bool config_next_word(const char **rest, char separator, const char **ret, size_t *ret_n);
