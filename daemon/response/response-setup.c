/* SPDX-License-Identifier: Apache-2.0 */

/* What the process is told first: the configuration, and whom policies name. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"
#include "program/program.h"
#include "response/response-packets.h"
#include "response/response-private.h"

#define MAX_STORMS 256                   /* policies that are kept disarmed over a new start */
#define MAX_WANTED 128                   /* responders of all policies that are looked for when scripts are loaded */

bool response_is_needed(const struct program *program, const struct config *config) {
        if (config->scripts.enrich.n > 0)
                return true;
        for (uint32_t i = 0; i < program->n_paths; i++)
                if (program->paths[i].respond.n > 0)
                        return true;
        for (uint32_t i = 0; i < program->n_steps; i++)
                if (program->steps[i].respond.n > 0)
                        return true;
        return false;
}

struct names {
        char items[MAX_WANTED][SCRIPT_MAX_NAME + 1];
        size_t n;
};

static void add_names(struct names *names, const struct program *program, struct program_range texts) {
        for (uint32_t k = 0; k < texts.n && names->n < MAX_WANTED; k++) {
                struct program_string text = program->texts[texts.first + k];
                const char *bytes = program_text(program, text);
                size_t length = 0, i;

                while (length < text.length && length < SCRIPT_MAX_NAME && bytes[length] != ' ')
                        length++;
                snprintf(names->items[names->n], sizeof(*names->items), "%.*s", (int)length, bytes);
                for (i = 0; i < names->n && !streq(names->items[i], names->items[names->n]); i++)
                        ;
                names->n += i == names->n;
        }
}

/* Whom policies name, each once. */
static void put_responders(struct response *response, const struct program *program) {
        struct names names = {};

        for (uint32_t i = 0; i < program->n_paths; i++)
                add_names(&names, program, program->paths[i].respond);
        for (uint32_t i = 0; i < program->n_steps; i++)
                add_names(&names, program, program->steps[i].respond);
        for (size_t i = 0; i < names.n; i++)
                response_message_put_text(&response->setup, RESPONSE_RESPONDER, 0, names.items[i]);
}

void response_put_setup(struct response *response, const struct response_options *options) {
        _cleanup_(strbuf_done) struct strbuf yaml = {};

        config_dump(options->config, &yaml);
        response_message_begin(&response->setup, RESPONSE_SETUP, 0);
        response_message_put(&response->setup, RESPONSE_CONFIG, 0, strbuf_str(&yaml), yaml.n);
        response_message_put_u64(&response->setup, RESPONSE_NUMBER, (uint64_t)getpid());
        for (size_t i = 0; i < options->n_places; i++)
                response_message_put_text(&response->setup, RESPONSE_PLACE, 0, options->places[i]);
        if (options->program)
                put_responders(response, options->program);
        response_message_end(&response->setup);
}

/* ---- storms ---- */

void response_remember_storm(struct response *response, const char *policy, bool disarmed) {
        char *name;
        size_t i = 0;

        while (i < response->storms.n && !streq(response->storms.items[i], policy))
                i++;
        if (!disarmed && i < response->storms.n) {
                free(response->storms.items[i]);
                response->storms.items[i] = response->storms.items[--response->storms.n];
        }
        if (!disarmed || i < response->storms.n)
                return;
        name = response->storms.n < MAX_STORMS ? strdup(policy) : NULL;
        if (!name || array_push(&response->storms, name) < 0) {
                free(name);
                log_warning("Policy '%s' is armed again should the process that runs scripts begin anew: too many are"
                            " disarmed",
                            policy);
        }
}

bool response_put_storms(struct response *response) {
        response_message_begin(&response->packet, RESPONSE_STORM, 0);
        ARRAY_FOREACH(name, &response->storms)
                response_message_put_text(&response->packet, RESPONSE_NAME, 0, *name);
        response_message_end(&response->packet);
        return response->storms.n > 0;
}

void response_forget_storms(struct response *response) {
        ARRAY_FOREACH(name, &response->storms)
                free(*name);
        array_done(&response->storms);
}
