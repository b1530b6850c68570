/* SPDX-License-Identifier: Apache-2.0 */
#include "play.h"

#include <check.h>
#include <string.h>

#include "base/strbuf.h"
#include "compile/compile.h"
#include "policy/policy-set.h"

static struct program *compile(const char *policy) {
        struct policy_set *set = NULL;
        struct program *program = NULL;
        struct diag_set diags;
        struct strbuf b = {};
        int r;

        diag_set_init(&diags, 0);
        r = policy_set_parse("policy", policy, strlen(policy), NULL, &diags, &set);
        policy_set_put_diags(set, &diags, &b);
        if (r >= 0)
                r = compile_policies(set, NULL, &diags, &program);
        ck_assert_msg(r >= 0, "%s", strbuf_str(&b));
        policy_set_free(set);
        diag_set_done(&diags);
        strbuf_done(&b);
        return program;
}

static const char *on_label(const struct identity *id, void *data) {
        return story_label(data, id);
}

void play_open(struct play *play, const char *policy, const char *events, const char *account_of) {
        const struct story_source source = {.name = "events", .text = events, .n = strlen(events), .line = 1};
        struct rehearsal_options options = {
                .account_of = account_of,
                .origin_ns = WORLD_START_NS,
                .label = on_label,
        };

        *play = (struct play){.program = compile(policy)};
        ck_assert_int_eq(story_parse(&source, NULL, &play->story), 0);
        options.data = play->story;
        ck_assert_int_eq(rehearsal_new(play->program, &options, &play->rehearsal), 0);
        for (size_t i = 0; i < play->story->world.records.n; i++) {
                struct event event;

                ck_assert_int_eq(world_event(&play->story->world, i, &event), 0);
                ck_assert_int_eq(rehearsal_feed(play->rehearsal, &event), 0);
        }
        ck_assert_int_eq(rehearsal_end(play->rehearsal), 0);
}

void play_close(struct play *play) {
        rehearsal_free(play->rehearsal);
        story_free(play->story);
        program_unref(play->program);
        *play = (struct play){};
}
