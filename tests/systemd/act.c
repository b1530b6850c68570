/* SPDX-License-Identifier: Apache-2.0 */

/* Do one action, wait for its end, and say what came of it: `act CONFIG DIRECTORY ACTION NAME=VALUE...`, with the paths
 * of a configuration and of a directory for state. Values of digits alone are numbers; NAME+=VALUE adds to a list of
 * words. Prints outcome, number for undo, and the sentence. */

#include <stdio.h>
#include <stdlib.h>

#include "action/actions.h"
#include "base/clock.h"
#include "base/parse.h"
#include "base/strbuf.h"
#include "config/config.h"

static void on_done(const struct action_result *result, void *userdata) {
        struct action_result *last = userdata;

        *last = *result;
}

static size_t take_inputs(char *argv[], int n_argv, struct action_input *inputs, const char **words) {
        size_t n = 0, n_words = 0;

        for (int i = 0; i < n_argv && n < ACTION_MAX_ARGUMENTS; i++) {
                char *value = strchr(argv[i], '=');
                uint64_t number;

                if (!value)
                        exit(2);
                if (value > argv[i] && value[-1] == '+') {
                        value[-1] = 0;
                        words[n_words++] = value + 1;
                        if (n_words == 1)
                                inputs[n++] = (struct action_input){
                                        .name = argv[i], .type = ACTION_INPUT_WORDS, .words = words};
                        inputs[n - 1].n_words = n_words;
                        continue;
                }
                *value++ = 0;
                if (parse_u64(value, 0, INT64_MAX, &number) >= 0)
                        inputs[n++] = (struct action_input){
                                .name = argv[i], .type = ACTION_INPUT_NUMBER, .number = (int64_t)number};
                else
                        inputs[n++] = (struct action_input){
                                .name = argv[i], .type = ACTION_INPUT_TEXT, .text = value, .length = strlen(value)};
        }
        return n;
}

int main(int argc, char *argv[]) {
        struct action_input inputs[ACTION_MAX_ARGUMENTS];
        struct action_result result, last = {};
        const char *words[64];
        struct strbuf why = {};
        char state[512], text[65536];
        struct actions *actions;
        struct action *action;
        struct config config;
        struct diag_set diags;
        sd_event *loop;
        FILE *f;
        size_t n;

        if (argc < 4)
                return 2;
        f = fopen(argv[1], "re");
        if (!f)
                return 2;
        n = fread(text, 1, sizeof(text), f);
        fclose(f);
        diag_set_init(&diags, 0);
        if (config_parse(argv[1], text, n, &diags, &config) < 0 || sd_event_new(&loop) < 0)
                return 2;
        snprintf(state, sizeof(state), "%s/response", argv[2]);
        if (actions_new(&(struct actions_options){.config = &config,
                                                  .state_directory = state,
                                                  .runtime_directory = argv[2],
                                                  .loop = loop,
                                                  .sink = {.on_done = on_done},
                                                  .userdata = &last},
                        &actions) < 0)
                return 2;
        if (streq(argv[3], "undo")) {
                if (action_undo(actions, strtoull(argv[4], NULL, 10), clock_boottime_ns(), &result) < 0)
                        return 2;
        } else {
                const struct action_origin origin = {.policy = "act"};

                n = take_inputs(argv + 4, argc - 4, inputs, words);
                if (action_new(argv[3], inputs, n, &why, &action) < 0) {
                        fprintf(stderr, "%s\n", strbuf_str(&why));
                        return 2;
                }
                if (action_run(actions, action, &origin, clock_boottime_ns(), &result) < 0)
                        return 2;
                action_free(action);
        }
        while (result.outcome == ACTION_PENDING && actions_n_pending(actions) > 0)
                if (sd_event_run(loop, UINT64_MAX) < 0)
                        return 2;
        if (result.outcome == ACTION_PENDING)
                result = last;
        printf("%s %llu %s\n", action_outcome_to_string(result.outcome), (unsigned long long)result.undo, result.text);
        actions_free(actions);
        sd_event_unref(loop);
        config_done(&config);
        diag_set_done(&diags);
        strbuf_done(&why);
        return 0;
}
