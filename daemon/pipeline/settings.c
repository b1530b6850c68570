/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/settings.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "event/schema.h"
#include "pipeline/policy-loader.h"
#include "program/uses.h"

void settings_done(struct settings *settings) {
        if (settings->program)
                program_unref(settings->program);
        prefilter_free(settings->prefilter);
        redactor_free(settings->redactor);
        if (settings->has_config)
                config_done(&settings->config);
        *settings = (struct settings){};
}

static int out_of_memory(struct strbuf *messages) {
        strbuf_put(messages, "Out of memory.\n");
        return EXIT_STATUS_FAILURE;
}

static int load_config(const struct settings_options *options, struct strbuf *messages, struct settings *settings) {
        struct diag_source sources[CONFIG_DROP_INS_MAX + 1];
        _cleanup_(diag_set_done) struct diag_set diags = {};
        _cleanup_(config_files_done) struct config_files files = {};
        int r = 0;

        diag_set_init(&diags, 0);
        if (options->config)
                r = config_read_all(options->config, &diags, &files);
        if (r == 0 && options->config && !files.has_main && !options->config_may_miss)
                r = -ENOENT;
        if (r == 0)
                r = config_parse_all(files.items, files.n, &diags, &settings->config);

        for (size_t i = 0; i < files.n; i++)
                sources[i] = (struct diag_source){files.names[i], files.items[i].text ?: "", files.items[i].n};
        diag_set_put_text(&diags, sources, files.n, messages);
        if (r == -ENOMEM)
                return out_of_memory(messages);
        if (r < 0) {
                strbuf_put(messages, "The configuration '");
                strbuf_put_text(messages, options->config, strlen(options->config));
                strbuf_printf(messages, "' is not usable%s%s.\n", r == -EBADMSG ? "" : ": ",
                              r == -EBADMSG ? "" : strerror(-r));
                return EXIT_STATUS_CONFIG;
        }

        settings->has_config = true;
        return 0;
}

static int load_redactor(struct strbuf *messages, struct settings *settings) {
        const struct redact_options options = {
                .disabled = !settings->config.alerts.redact,
                .names = settings->config.alerts.redact_patterns.items,
                .n_names = settings->config.alerts.redact_patterns.n,
        };

        return redactor_new(&options, &settings->redactor) < 0 ? out_of_memory(messages) : 0;
}

void settings_policy_options(const struct settings_options *options, const struct config *config,
                             struct policy_options *ret) {
        *ret = (struct policy_options){
                .default_within_ns = config->policies.default_within_ns,
                .default_suppress_ns = config->policies.suppress_ns,
                .wall_s = options->wall_s,
                .trust_any_owner = options->trust_any_owner,
                .skip_missing = options->n_places == 0,
                .max_file_bytes = config->policies.max_file_size_bytes,
                .max_files = config->policies.max_files,
        };
}

const char *const *settings_places(const struct settings_options *options, const struct config *config, size_t *ret) {
        *ret = options->n_places > 0 ? options->n_places : config->policies.directories.n;
        return options->n_places > 0 ? options->places : config->policies.directories.items;
}

/* What follows from policies that are wrong. */
static int refuse(int r, size_t n_errors, struct strbuf *messages) {
        if (r == -EBADMSG)
                strbuf_printf(messages, "The policies are not usable: %zu errors.\n", n_errors);
        else
                strbuf_put(
                        messages,
                        "There are no usable policies, and without one there is nothing to watch for: name a place with"
                        " --policies, or in the configuration (policies.directories).\n");
        return EXIT_STATUS_POLICIES;
}

static int check_number(const struct program *program, const struct config *config, struct strbuf *messages) {
        if (program->n_paths <= config->policies.max_policies)
                return 0;
        strbuf_printf(messages, "There are %" PRIu32 " policies, more than the %" PRIu64 " of policies.max_policies.\n",
                      program->n_paths, config->policies.max_policies);
        return EXIT_STATUS_POLICIES;
}

/* What was asked for, and what the configuration leaves out. */
static struct compile_options compile_options(const struct settings_options *options, const struct config *config) {
        struct compile_options compile = options->compile;

#define COMPILER_PASS(key, pass) compile.without |= config->compiler.key ? 0 : COMPILE_WITHOUT(pass);
#include "config/optimisations.def"
        return compile;
}
enum {
#define COMPILER_PASS(key, pass) +1
        N_PASSES = 0
#include "config/optimisations.def"
};
_Static_assert((int)N_PASSES == (int)_COMPILE_PASS_MAX, "each pass has a key");

static int load_policies(const struct settings_options *options, struct strbuf *messages, struct settings *settings) {
        _cleanup_(diag_set_done) struct diag_set diags = {};
        struct compile_options compile = compile_options(options, &settings->config);
        struct policy_options policy_options;
        struct policy_loader_stats stats;
        const char *const *places;
        size_t n_places;
        int r;

        diag_set_init(&diags, 0);
        settings_policy_options(options, &settings->config, &policy_options);
        places = settings_places(options, &settings->config, &n_places);
        r = policy_loader_load(places, n_places, &policy_options, &compile, options->generation, &diags, messages,
                               &settings->program, &stats);
        settings->n_files = stats.n_files;
        if (r == -ENOMEM)
                return out_of_memory(messages);
        if (r < 0)
                return refuse(r, diags.n_errors, messages);
        return check_number(settings->program, &settings->config, messages);
}

int settings_load(const struct settings_options *options, struct strbuf *messages, struct settings *ret) {
        _cleanup_(settings_done) struct settings settings = {};
        int status;

        assert(options && messages && ret);

        status = load_config(options, messages, &settings);
        if (status == 0)
                status = load_redactor(messages, &settings);
        if (status == 0 && !options->no_policies)
                status = load_policies(options, messages, &settings);
        if (status != 0)
                return status;

        *ret = TAKE_STRUCT(settings);
        return 0;
}

static int start_compiler(const struct settings_options *options, const struct config *config, struct strbuf *messages,
                          struct compile_job **ret) {
        struct compile_request request = {
                .compile = compile_options(options, config),
                .limits = {.timeout_ns = config->policies.compile_timeout_ns,
                           .memory_bytes = config->policies.compile_memory_bytes,
                           .user = (uint32_t)config->policies.compile_user},
                .generation = options->generation,
        };
        int r;

        settings_policy_options(options, config, &request.policies);
        request.places = settings_places(options, config, &request.n_places);
        r = compile_job_start(NULL, &request, ret);
        if (r >= 0)
                return 0;
        strbuf_printf(messages, "The policies were not compiled: the process for it cannot be started: %s.\n",
                      strerror(-r));
        return EXIT_STATUS_COMPILER;
}

int settings_begin(const struct settings_options *options, struct strbuf *messages, struct settings *ret,
                   struct compile_job **ret_job) {
        _cleanup_(settings_done) struct settings settings = {};
        int status;

        assert(options && !options->no_policies && messages && ret && ret_job);

        status = load_config(options, messages, &settings);
        if (status == 0)
                status = load_redactor(messages, &settings);
        if (status == 0)
                status = start_compiler(options, &settings.config, messages, ret_job);
        if (status != 0)
                return status;

        *ret = TAKE_STRUCT(settings);
        return 0;
}

unsigned settings_uses(const struct config *config) {
        return (config->capture.filter ? USES_FILTER : 0) | (config->capture.arming ? USES_ARM : 0) |
               (config->capture.aggregate ? USES_AGGREGATE : 0);
}

void settings_interest(const struct program *program, const struct config *config, struct interest *ret) {
        *ret = program->header->interest;
        if (config->capture.content_bytes == 0)
                return;
        for (unsigned field = 0; field < _FIELD_MAX; field++) {
                const struct field_info *info = schema_field((enum field)field);

                if (!info || info->scope != FIELD_EVENT || info->type != VALUE_STRING ||
                    !(info->flags & FIELD_REQUEST) || !(ret->kinds & wire_kind_bit(info->kind)))
                        continue;
                ret->filter[info->kind].content = true;
                ret->content_bytes = MAX(ret->content_bytes, (uint32_t)config->capture.content_bytes);
        }
}

/* Filters need no trust in who compiled: they come from the program as it was verified. */
static int make_prefilter(struct settings *settings, struct strbuf *messages) {
        unsigned what = settings_uses(&settings->config);

        if (uses_collect(settings->program, what, &settings->prefilter) >= 0)
                return 0;
        settings_done(settings);
        return out_of_memory(messages);
}

int settings_finish(struct settings *settings, struct compile_job *job, struct strbuf *messages) {
        struct compile_result result;
        int r;

        r = compile_job_finish(job, messages, &result);
        compile_job_free(job);
        if (r >= 0) {
                settings->program = result.program;
                settings->n_files = result.n_files;
                settings_interest(settings->program, &settings->config, &settings->interest);
                r = check_number(settings->program, &settings->config, messages);
                if (r != 0) {
                        settings_done(settings);
                        return r;
                }
                return make_prefilter(settings, messages);
        }

        settings_done(settings);
        return result.refused ? refuse(result.error, result.n_errors, messages) : EXIT_STATUS_COMPILER;
}
