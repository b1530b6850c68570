/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "cli/verb.h"
#include "event/schema.h"

#define OUT_BYTES (64U << 10)

/* One record as a line: number, time, who, kind, result, and the fields that are known. */
static void put_record(const struct event *event, struct strbuf *b) {
        const struct wire_header *wire = event->wire;
        const struct kind_info *kind = schema_kind(event_kind(event));

        strbuf_printf(b, "%" PRIu64 " %" PRIu64 ".%09" PRIu64 " %" PRIu32 " %s", event->number,
                      event->time_ns / 1000000000, event->time_ns % 1000000000, wire->tgid, kind->name);
        if (kind->class == EVENT_EVENT)
                strbuf_printf(b, " = %" PRId64, (int64_t)wire->result);
        for (uint32_t i = 0; i < kind->n_fields; i++) {
                enum field field = (enum field)(kind->first_field + i);
                struct value value;
                char text[1024];

                event_get(event, field, &value);
                if (value.state == VALUE_UNKNOWN)
                        continue;
                schema_format(field, &value, text, sizeof(text));
                strbuf_printf(b, " %s=%s%s", schema_field(field)->name, text, value.state == VALUE_CUT ? "..." : "");
        }
        strbuf_put_char(b, '\n');
}

static int run(const struct verb *verb, int argc, char *argv[]) {
        _cleanup_(strbuf_done) struct strbuf b = {};
        _cleanup_(trace_reader_freep) struct trace_reader *reader = NULL;
        struct trace_state state = {};
        struct event event;
        const struct verb_option options[] = {{}};
        int r, status;

        status = verb_options(verb, argc, argv, options);
        if (status != EXIT_STATUS_SUCCESS)
                return status;
        if (optind + 1 != argc) {
                log_error("One recording is shown");
                return verb_usage(verb);
        }

        r = verb_open_recording(argv[optind], &reader, &state);
        while (r >= 0 && status == EXIT_STATUS_SUCCESS && (r = trace_reader_next(reader, &event)) > 0) {
                put_record(&event, &b);
                if (b.n >= OUT_BYTES) {
                        status = verb_print(&b);
                        strbuf_clear(&b);
                }
        }
        if (reader)
                state = *trace_reader_state(reader);
        if (b.n > 0 && status == EXIT_STATUS_SUCCESS)
                status = verb_print(&b);
        return status != EXIT_STATUS_SUCCESS ? status : verb_recording_status(argv[optind], r, &state);
}

const struct verb verb_dump = {
        .name = "dump",
        .arguments = "FILE",
        .summary = "Print what is in a recording, one record a line",
        .help = "The bytes are those that were captured: secrets in them are shown.\n",
        .run = run,
};
