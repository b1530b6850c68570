/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>

#include "base/clock.h"
#include "base/siphash.h"
#include "config/config-private.h"

#define SAME UINT64_MAX

/* What profiles other than `balanced` have as defaults. */
static const struct {
        enum config_id id;
        uint64_t numbers[_CONFIG_PROFILE_MAX];
} profiled[] = {
#define PROFILED(section, key, low_latency, high_volume, forensic)                                                     \
        {CONFIG_ID_##section##_##key, {SAME, low_latency, high_volume, forensic}},
#include "config/config-profiles.def"
};

const struct config_optimisation config_optimisations[] = {
#define OPTIMISATION(section, key) {#section, #key, CONFIG_ID_##section##_##key},
#include "config/optimisations.def"
};
const size_t n_config_optimisations = ELEMENTSOF(config_optimisations);

const char *config_profile_to_string(enum config_profile profile) {
        switch (profile) {
        case CONFIG_PROFILE_BALANCED: return "balanced";
        case CONFIG_PROFILE_LOW_LATENCY: return "low-latency";
        case CONFIG_PROFILE_HIGH_VOLUME: return "high-volume";
        case CONFIG_PROFILE_FORENSIC: return "forensic";
        case _CONFIG_PROFILE_MAX: break;
        }
        return NULL;
}

uint64_t config_profile_number(enum config_profile profile, const struct config_key *key) {
        for (size_t i = 0; i < ELEMENTSOF(profiled); i++)
                if (&config_keys[profiled[i].id] == key && profiled[i].numbers[profile] != SAME)
                        return profiled[i].numbers[profile];
        return key->number;
}

enum config_origin config_origin(const struct config *config, const struct config_key *key) {
        if (config->origins[key - config_keys] == CONFIG_ORIGIN_FILE)
                return CONFIG_ORIGIN_FILE;
        if (key->type == CONFIG_SECTION || key->type == CONFIG_LIST_PATH || key->type == CONFIG_LIST_NAME)
                return CONFIG_ORIGIN_DEFAULT;
        return config_get_number(config, key) != key->number ? CONFIG_ORIGIN_PROFILE : CONFIG_ORIGIN_DEFAULT;
}

bool config_is_on(const struct config *config, const struct config_optimisation *optimisation) {
        return config_get_number(config, &config_keys[optimisation->id]);
}

void config_switch(struct config *config, const struct config_optimisation *optimisation, bool on) {
        assert(config_keys[optimisation->id].type == CONFIG_BOOLEAN);
        config_set_number(config, &config_keys[optimisation->id], on);
}

static bool is_optimisation(size_t id) {
        for (size_t i = 0; i < n_config_optimisations; i++)
                if ((size_t)config_optimisations[i].id == id)
                        return true;
        return false;
}

uint64_t config_fingerprint(const struct config *config) {
        static const struct siphash_key key;
        struct siphash hash;

        siphash_begin64(&hash, &key);
        for (size_t i = 0; i < n_config_keys; i++) {
                const struct config_key *k = &config_keys[i];

                if (k->type == CONFIG_SECTION || streq(k->section, "performance") || is_optimisation(i))
                        continue;
                siphash_add(&hash, k->section, strlen(k->section) + 1);
                siphash_add(&hash, k->name, strlen(k->name) + 1);
                if (k->type == CONFIG_LIST_PATH || k->type == CONFIG_LIST_NAME) {
                        const struct config_list *list = config_get_list(config, k);

                        siphash_add_u64(&hash, list->n);
                        for (size_t n = 0; n < list->n; n++)
                                siphash_add(&hash, list->items[n], strlen(list->items[n]) + 1);
                } else
                        siphash_add_u64(&hash, config_get_number(config, k));
        }
        return siphash_end64(&hash);
}
