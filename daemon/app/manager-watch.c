/* SPDX-License-Identifier: Apache-2.0 */
#include "app/manager-watch.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "app/manager-private.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "control/watch.h"

static void on_change(const char *name, void *userdata) {
        _cleanup_(strbuf_done) struct strbuf b = {};
        struct manager *manager = userdata;
        struct asker asker;

        strbuf_put_text(&b, name, strlen(name));
        log_info("'%s' or more has changed (service.watch)", strbuf_str(&b));
        asker_init("service.watch", 0, UINT32_MAX, &asker);
        manager_reload(manager, &asker);
}

static size_t add(const char *const *from, size_t n_from, const char **places, size_t n, size_t max) {
        for (size_t i = 0; i < n_from && n < max; i++)
                if (from[i][0] == '/')
                        places[n++] = from[i];
        return n;
}

void manager_watch_update(struct manager *manager) {
        const struct config *config = &manager->settings.config;
        const struct params *params = manager->params;
        const char *path = params->config ?: CONFIG_PATH, *places[2 + 2 * CONFIG_LIST_MAX];
        char drop_ins[300];
        struct watch_options options = {.places = places, .delay_ns = config->service.watch_delay_ns};
        struct watch_stats stats;
        size_t n;
        int r;

        manager->watch = watch_free(manager->watch);
        if (!config->service.watch)
                return;

        snprintf(drop_ins, sizeof(drop_ins), "%s.d", path);
        n = add((const char *const[]){path, drop_ins}, 2, places, 0, ELEMENTSOF(places));
        n = params->n_policies > 0 ? add(params->policies, params->n_policies, places, n, ELEMENTSOF(places))
                                   : add(config->policies.directories.items, config->policies.directories.n, places, n,
                                         ELEMENTSOF(places));
        n = params->n_scripts > 0 ? add(params->scripts, params->n_scripts, places, n, ELEMENTSOF(places))
                                  : add(config->scripts.directories.items, config->scripts.directories.n, places, n,
                                        ELEMENTSOF(places));
        options.n_places = n;
        r = watch_new(manager->loop, &options, on_change, manager, &manager->watch);
        if (r < 0) {
                log_warning_errno(r, "Cannot look for changed files (service.watch), reload by hand: %m");
                return;
        }
        watch_stats(manager->watch, &stats);
        if (stats.n_refused > 0)
                log_warning("Changes in %" PRIu64
                            " directories will not be seen (service.watch): there are too many, or they are too deep",
                            stats.n_refused);
}

void manager_watch_done(struct manager *manager) {
        manager->watch = watch_free(manager->watch);
}
