/* SPDX-License-Identifier: Apache-2.0 */

/* Any text as a story: refused with messages that can be shown, or a stream of records that the decoder takes, in the
 * order of time. */

#include <assert.h>
#include <errno.h>
#include <stdint.h>

#include "base/strbuf.h"
#include "base/utf8.h"
#include "story/story.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_story(const struct story *story, size_t n) {
        uint64_t before_ns = 0;

        assert(story->world.processes.n <= STORY_MAX_PROCESSES);
        assert(story->lines.n <= n);
        for (size_t i = 0; i < story->world.records.n; i++) {
                struct event event;

                assert(world_event(&story->world, i, &event) == 0);
                assert(event.time_ns >= before_ns);
                before_ns = event.time_ns;
        }
        ARRAY_FOREACH(line, &story->lines)
                assert(line->record < story->world.records.n && line->line >= 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        const struct story_source source = {.name = "input", .text = (const char *)data, .n = n, .line = 1};
        const struct diag_source excerpts = {.file = "input", .text = (const char *)data, .n = n};
        struct story *story = NULL;
        struct diag_set diags;
        struct strbuf b = {};
        int r;

        diag_set_init(&diags, 0);
        r = story_parse(&source, &diags, &story);
        assert(r == 0 || r == -EBADMSG);
        if (r >= 0) {
                assert(diags.n_errors == 0);
                check_story(story, n);
        } else {
                assert(diags.n_errors > 0);
                diag_set_put_text(&diags, &excerpts, 1, &b);
                assert(b.n > 0 && utf8_is_valid(b.data, b.n));
        }
        story_free(story);
        diag_set_done(&diags);
        strbuf_done(&b);
        return 0;
}
