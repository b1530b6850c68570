/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "cli/verb.h"

static const struct verb *const verbs[] = {
        &verb_status,
        &verb_reload,
        &verb_snapshot,
        &verb_check,
        &verb_fmt,
        &verb_explain,
        &verb_graph,
        &verb_coverage,
        &verb_policies,
        &verb_import,
        &verb_lua,
        &verb_response,
        &verb_test,
        &verb_tune,
        &verb_why,
        &verb_compile,
        &verb_config,
        &verb_preflight,
        &verb_trace,
        &verb_record,
        &verb_replay,
        &verb_dump,
};

static void put_help(struct strbuf *b) {
        strbuf_put(b, "execrayctl VERB [ARGUMENT...]\n\n");
        for (size_t i = 0; i < ELEMENTSOF(verbs); i++)
                strbuf_printf(b, "  %-9s %s\n", verbs[i]->name, verbs[i]->summary);
        strbuf_put(b, "\nexecrayctl VERB --help says more; --version says which this is.\n\nExit status:\n");
        exit_status_put_table(b);
}

int verb_print(const struct strbuf *b) {
        int r = b->error;

        if (r >= 0)
                r = fd_write_full(STDOUT_FILENO, b->data, b->n);
        if (r < 0 && r != -EPIPE) {
                log_error_errno(r, "Cannot write to the output: %m");
                return EXIT_STATUS_FAILURE;
        }
        return EXIT_STATUS_SUCCESS;
}

void verb_help(const struct verb *verb) {
        _cleanup_(strbuf_done) struct strbuf b = {};
        int status;

        strbuf_printf(&b, "execrayctl %s %s\n\n%s.\n\n%s", verb->name, verb->arguments, verb->summary, verb->help);
        status = verb_print(&b);
        strbuf_done(&b);
        exit(status);
}

int verb_usage(const struct verb *verb) {
        log_info("usage: execrayctl %s %s", verb->name, verb->arguments);
        return EXIT_STATUS_USAGE;
}

int verb_load(const struct settings_options *options, struct settings *ret) {
        _cleanup_(strbuf_done) struct strbuf messages = {};
        int status;

        status = settings_load(options, &messages, ret);
        if (messages.n > 0)
                (void)fd_write_full(STDERR_FILENO, messages.data, messages.n);
        return status;
}

int verb_open_recording(const char *file, struct trace_reader **ret, struct trace_state *ret_state) {
        return streq(file, "-") ? trace_reader_new(STDIN_FILENO, ret, ret_state)
                                : trace_reader_open(file, ret, ret_state);
}

static enum exit_status status_of_fault(enum trace_fault fault) {
        switch (fault) {
        case TRACE_FINE:
                return EXIT_STATUS_RECORDING_MISSING;
        case TRACE_FOREIGN:
                return EXIT_STATUS_RECORDING_FOREIGN;
        case TRACE_BYTES:
        case TRACE_FORMAT:
        case TRACE_WIRE:
        case TRACE_SCHEMA:
        case TRACE_MACHINE:
                return EXIT_STATUS_RECORDING_VERSION;
        case TRACE_HEADER:
        case TRACE_BLOCK:
        case TRACE_RECORD:
        case TRACE_TORN:
                return EXIT_STATUS_RECORDING_BROKEN;
        }
        return EXIT_STATUS_FAILURE;
}

int verb_recording_status(const char *file, int r, const struct trace_state *state) {
        char why[512];

        if (r >= 0)
                return EXIT_STATUS_SUCCESS;
        if (state->fault == TRACE_FINE)
                log_error_errno(r, "Cannot read the recording '%s': %m", file);
        else {
                trace_describe(state, why, sizeof(why));
                log_error("Recording '%s': %s", file, why);
        }
        return status_of_fault(state->fault);
}

bool without_add(const char *name, void *data) {
        uint64_t *without = data;
        const char *names[_COMPILE_PASS_MAX], *meant;
        int pass = compile_pass_from_string(name);

        if (streq(name, "all")) {
                *without |= COMPILE_WITHOUT_ALL;
                return true;
        }
        if (pass >= 0) {
                *without |= UINT64_C(1) << pass;
                return true;
        }
        for (int i = 0; i < _COMPILE_PASS_MAX; i++)
                names[i] = compile_pass_info((enum compile_pass)i)->name;
        meant = diag_closest(name, names, ELEMENTSOF(names));
        if (meant)
                log_error("There is no pass '%s'; did you mean '%s'?", name, meant);
        else
                log_error("There is no pass '%s'; execrayctl compile --help lists them", name);
        return false;
}

bool places_add(struct places *places, const char *place) {
        if (places->n == VERB_MAX_PLACES) {
                log_error("More than %d places of policies", VERB_MAX_PLACES);
                return false;
        }
        places->items[places->n++] = place;
        return true;
}

int main(int argc, char *argv[]) {
        _cleanup_(strbuf_done) struct strbuf b = {};
        const char *names[ELEMENTSOF(verbs)], *meant;

        log_open("execrayctl");
        signal(SIGPIPE, SIG_IGN);

        if (argc < 2) {
                put_help(&b);
                (void)fd_write_full(STDERR_FILENO, b.data, b.n);
                return EXIT_STATUS_USAGE;
        }
        if (streq(argv[1], "--help") || streq(argv[1], "-h") || streq(argv[1], "help")) {
                put_help(&b);
                return verb_print(&b);
        }
        if (streq(argv[1], "--version")) {
                strbuf_put(&b, "execrayctl " EXECRAY_VERSION "\n");
                return verb_print(&b);
        }

        for (size_t i = 0; i < ELEMENTSOF(verbs); i++) {
                if (streq(argv[1], verbs[i]->name))
                        return verbs[i]->run(verbs[i], argc - 1, argv + 1);
                names[i] = verbs[i]->name;
        }

        meant = diag_closest(argv[1], names, ELEMENTSOF(names));
        if (meant)
                log_error("Unknown verb '%s'; did you mean '%s'?", argv[1], meant);
        else
                log_error("Unknown verb '%s'; execrayctl --help lists them", argv[1]);
        return EXIT_STATUS_USAGE;
}
