/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/macro.h"
#include "base/strbuf.h"
#include "capture/kernel.h"
#include "capture/survey.h"
#include "capture/tier.h"
#include "cli/loaded.h"
#include "cli/price.h"
#include "cli/verb.h"
#include "event/schema.h"

struct preflight {
        const struct survey *survey;
        const struct program *program;  /* NULL: none could be loaded */
        struct price prices[_WIRE_KIND_MAX];
        struct strbuf *b;
        size_t n_lost;                  /* policies that lose a step */
};

static const char *verdict_to_string(enum survey_verdict verdict) {
        switch (verdict) {
        case SURVEY_UNKNOWN: return "untried";
        case SURVEY_NONE: return "none";
        case SURVEY_PART: return "part";
        case SURVEY_WHOLE: return "whole";
        }
        return "?";
}

static const char *state_to_string(enum survey_state state) {
        switch (state) {
        case SURVEY_UNTRIED: return "untried";
        case SURVEY_WORKS: return "works";
        case SURVEY_MISSING: return "missing";
        case SURVEY_REFUSED: return "refused";
        case SURVEY_SPARE: return "not needed";
        }
        return "?";
}

/* Why a place, or a way to places, is refused. */
static const char *error_to_string(int error, const char *why) {
        return why ?: strerror(-error);
}

/* What decides whether a kind is worth having. */
static bool is_told(enum wire_kind kind) {
        const struct kind_info *info = schema_kind(kind);

        return info && info->class != EVENT_META;
}

/* Why nothing, or not all, is seen of it. NULL: there is no reason to. */
static const char *why(const struct preflight *p, enum wire_kind kind, enum survey_verdict verdict) {
        switch (verdict) {
        case SURVEY_WHOLE:
                return NULL;
        case SURVEY_UNKNOWN:
                return "we may not try";
        case SURVEY_PART:
                if (kind == WIRE_KIND_credchange)
                        return "not all calls are seen that change credentials: what they change is told as if none "
                               "had";
                return "the kernel refuses some of its places";
        case SURVEY_NONE:
                if (!survey_has_source(p->survey, kind))
                        return "this version has no program for it";
                return kind == WIRE_KIND_unit || kind == WIRE_KIND_login ? "the system bus cannot be reached"
                                                                         : "the kernel takes none of its programs";
        }
        return NULL;
}

/* Fields that are only as good as the memory of the program that made the call. */
static size_t put_unverified(const struct preflight *p, enum wire_kind kind, const char *separator, bool quoted,
                             struct strbuf *b) {
        uint32_t flags = survey_is_resolved(p->survey, kind) ? FIELD_USER : FIELD_USER | FIELD_TIER;
        const struct kind_info *info = schema_kind(kind);
        size_t n = 0;

        for (uint32_t i = 0; i < info->n_fields; i++) {
                const struct field_info *field = schema_field((enum field)(info->first_field + i));

                if (!(field->flags & flags))
                        continue;
                strbuf_put(b, n++ > 0 ? separator : "");
                strbuf_printf(b, quoted ? "\"%s\"" : "%s", field->name);
        }
        return n;
}

/* "sys_exit_openat" of "tp/syscalls/sys_exit_openat". */
static const char *short_place(const char *place) {
        const char *slash = strrchr(place, '/');

        return slash && startswith(place, "tp") ? slash + 1 : place;
}

static void put_places(const struct preflight *p, enum wire_kind kind, enum survey_state state, const char *title) {
        unsigned n = 0, columns = 0;

        for (size_t i = 0; i < p->survey->n_hooks; i++) {
                const struct survey_hook *hook = p->survey->hooks + i;
                const char *place = short_place(hook->place);

                if (hook->kind != kind || hook->state != state || hook->by_tier)
                        continue;
                if (n++ == 0)
                        strbuf_printf(p->b, "    %-13s ", title);
                else if (columns + strlen(place) > 60) {
                        strbuf_printf(p->b, ",\n    %-13s ", "");
                        columns = 0;
                } else
                        strbuf_put(p->b, ", ");
                strbuf_put(p->b, place);
                columns += strlen(place) + 2;
                if (state == SURVEY_REFUSED) {
                        const char *reason = error_to_string(hook->error, hook->why);

                        strbuf_printf(p->b, " (%s)", reason);
                        columns += strlen(reason) + 3;
                }
        }
        if (n > 0)
                strbuf_put_char(p->b, '\n');
}

/* Of what nobody watches there is no price. */
static bool is_priced(const struct preflight *p, enum wire_kind kind) {
        return p->prices[kind].measured && survey_of_kind(p->survey, kind) != SURVEY_NONE;
}

static void put_kind(const struct preflight *p, enum wire_kind kind) {
        enum survey_verdict verdict = survey_of_kind(p->survey, kind);
        const struct price *price = &p->prices[kind];
        const char *reason = why(p, kind, verdict);
        _cleanup_(strbuf_done) struct strbuf names = {};

        strbuf_printf(p->b, "%-16s %s%s%s\n", schema_kind(kind)->name, verdict_to_string(verdict), reason ? ": " : "",
                      reason ?: "");
        put_places(p, kind, SURVEY_WORKS, "seen at");
        put_places(p, kind, SURVEY_REFUSED, "refused");
        put_places(p, kind, SURVEY_MISSING, "not here");
        if (verdict != SURVEY_NONE && put_unverified(p, kind, ", ", false, &names) > 0)
                strbuf_printf(p->b, "    %-13s %s\n", "not certain", strbuf_str(&names));
        if (is_priced(p, kind))
                strbuf_printf(p->b, "    %-13s %+" PRId64 " ns to %" PRId64 " ns (%s), %+" PRId64 " ns to any other\n",
                              "price", price->added_ns, price->call_ns, price->calls, price->other_ns);
        else if (price->why_not && verdict != SURVEY_NONE)
                strbuf_printf(p->b, "    %-13s not measured: %s\n", "price", price->why_not);
}

/* What the steps of a path wait for and nobody will tell. Bit set. */
static uint64_t blind_kinds(const struct preflight *p, const struct path *path, enum survey_verdict worst) {
        uint64_t kinds = 0;

        for (int kind = 1; kind < _WIRE_KIND_MAX; kind++)
                if (path->kinds & wire_kind_bit(kind) && survey_of_kind(p->survey, (enum wire_kind)kind) == worst)
                        kinds |= wire_kind_bit(kind);
        return kinds;
}

static void put_kinds(uint64_t kinds, const char *separator, const char *quote, struct strbuf *b) {
        const char *before = "";

        for (int kind = 1; kind < _WIRE_KIND_MAX; kind++)
                if (kinds & wire_kind_bit(kind)) {
                        strbuf_printf(b, "%s%s%s%s", before, quote, schema_kind((enum wire_kind)kind)->name, quote);
                        before = separator;
                }
}

static void put_policies(struct preflight *p) {
        for (uint32_t i = 0; i < p->program->n_paths; i++) {
                const struct path *path = &p->program->paths[i];
                uint64_t none = blind_kinds(p, path, SURVEY_NONE), part = blind_kinds(p, path, SURVEY_PART);

                if (!none && !part)
                        continue;
                p->n_lost++;
                strbuf_put(p->b, "  ");
                strbuf_put_text(p->b, program_text(p->program, path->name), path->name.length);
                if (none) {
                        strbuf_put(p->b, " loses its steps of ");
                        put_kinds(none, ", ", "", p->b);
                }
                if (part) {
                        strbuf_put(p->b, none ? ", and" : "");
                        strbuf_put(p->b, " sees a part of ");
                        put_kinds(part, ", ", "", p->b);
                }
                strbuf_put_char(p->b, '\n');
        }
}

/* Ways around the calls: of all kinds at once. */
static void put_role(const struct preflight *p, enum hooks_role role, const char *name) {
        enum survey_verdict verdict = survey_of_role(p->survey, role);

        strbuf_printf(p->b, "%-16s %s%s\n", name, verdict_to_string(verdict),
                      verdict == SURVEY_NONE ? ": not seen, whatever their kind" : "");
}

/* Ways to security hooks, best first. */
static void put_tiers(const struct preflight *p) {
        for (int i = 0; i < (int)ELEMENTSOF(p->survey->tiers); i++) {
                const struct survey_tier *tier = &p->survey->tiers[i];

                if (tier->state == SURVEY_UNTRIED)
                        continue;
                strbuf_printf(p->b, "Security hooks by %s: %s%s%s\n", tier_to_string((enum capture_tier)i),
                              state_to_string(tier->state), tier->state == SURVEY_REFUSED ? ": " : "",
                              tier->state == SURVEY_REFUSED ? error_to_string(tier->error, tier->why) : "");
        }
}

static void put_text(struct preflight *p) {
        const struct kernel *kernel = kernel_get();
        char text[1024];

        if (kernel->allowed) {
                kernel_describe(kernel, text, sizeof(text));
                strbuf_put(p->b, text);
        } else
                strbuf_printf(p->b, "Linux %s; what it lets us do could not be tried\n", kernel->release);
        put_tiers(p);
        if (kernel->allowed && !kernel->fentry && !kernel->lsm)
                strbuf_put(
                        p->b,
                        "All is watched from tracepoints and cgroups: docs/CAPTURE.md says what those cannot see.\n");
        strbuf_put_char(p->b, '\n');
        for (int kind = 1; kind < _WIRE_KIND_MAX; kind++)
                if (is_told((enum wire_kind)kind))
                        put_kind(p, (enum wire_kind)kind);
        put_role(p, HOOKS_OF_COMPAT, "32-bit calls");
        put_role(p, HOOKS_OF_URING, "io_uring");
        strbuf_put_char(p->b, '\n');
        if (!p->program) {
                strbuf_put(p->b, "No policies were looked at.\n");
                return;
        }
        put_policies(p);
        if (p->n_lost == 0)
                strbuf_printf(p->b, "Policies that lose a step: none of %" PRIu32 "%s\n", p->program->n_paths,
                              p->survey->error < 0 ? ", as far as can be said without trying" : "");
        else
                strbuf_printf(p->b, "Policies that lose a step: %zu of %" PRIu32 "\n", p->n_lost, p->program->n_paths);
}

static void put_boolean(const char *key, bool value, struct strbuf *b) {
        strbuf_printf(b, ",\"%s\":%s", key, value ? "true" : "false");
}

static void put_json_kind(const struct preflight *p, enum wire_kind kind) {
        const struct price *price = &p->prices[kind];
        const char *reason, *separator = "";
        enum survey_verdict verdict = survey_of_kind(p->survey, kind);

        reason = why(p, kind, verdict);
        strbuf_printf(p->b, "{\"kind\":\"%s\",\"state\":\"%s\",\"why\":", schema_kind(kind)->name,
                      verdict_to_string(verdict));
        strbuf_put_json_str(p->b, reason);
        strbuf_put(p->b, ",\"places\":[");
        for (size_t i = 0; i < p->survey->n_hooks; i++) {
                const struct survey_hook *hook = p->survey->hooks + i;

                if (hook->kind != kind)
                        continue;
                strbuf_printf(p->b, "%s{\"place\":\"%s\",\"attached\":\"%s\",\"state\":\"%s\",\"error\":", separator,
                              hook->place, hook->use, state_to_string(hook->state));
                strbuf_put_json_str(
                        p->b, hook->state == SURVEY_REFUSED ? error_to_string(hook->error, hook->why) : NULL);
                strbuf_put_char(p->b, '}');
                separator = ",";
        }
        strbuf_put(p->b, "],\"unverified\":[");
        (void)put_unverified(p, kind, ",", true, p->b);
        strbuf_put(p->b, "],\"price\":");
        if (is_priced(p, kind))
                strbuf_printf(p->b, "{\"calls\":\"%s\",\"call_ns\":%" PRId64 ",\"added_ns\":%" PRId64
                                    ",\"other_ns\":%" PRId64 "}",
                              price->calls, price->call_ns, price->added_ns, price->other_ns);
        else
                strbuf_put(p->b, "null");
        strbuf_put(p->b, ",\"unpriced\":");
        strbuf_put_json_str(p->b, is_priced(p, kind) ? NULL : price->why_not);
        strbuf_put_char(p->b, '}');
}

static void put_json(struct preflight *p) {
        const struct kernel *kernel = kernel_get();
        const char *separator = "";

        strbuf_put(p->b, "{\"version\":1,\"kernel\":{\"release\":");
        strbuf_put_json_str(p->b, kernel->release);
        put_boolean("allowed", kernel->allowed, p->b);
        put_boolean("btf", kernel->btf, p->b);
        put_boolean("ring", kernel->ring, p->b);
        put_boolean("tracing", kernel->tracing, p->b);
        put_boolean("task_storage", kernel->task_storage, p->b);
        put_boolean("cgroup_address", kernel->cgroup_address, p->b);
        put_boolean("fentry", kernel->fentry, p->b);
        put_boolean("lsm", kernel->lsm, p->b);
        strbuf_put(p->b, "},\"tiers\":[");
        for (int i = 0; i < (int)ELEMENTSOF(p->survey->tiers); i++) {
                const struct survey_tier *tier = &p->survey->tiers[i];

                strbuf_printf(p->b, "%s{\"tier\":\"%s\",\"state\":\"%s\",\"error\":", separator,
                              tier_to_string((enum capture_tier)i), state_to_string(tier->state));
                strbuf_put_json_str(
                        p->b, tier->state == SURVEY_REFUSED ? error_to_string(tier->error, tier->why) : NULL);
                strbuf_put_char(p->b, '}');
                separator = ",";
        }
        separator = "";
        strbuf_put(p->b, "],\"error\":");
        strbuf_put_json_str(p->b, p->survey->error < 0 ? strerror(-p->survey->error) : NULL);
        strbuf_put(p->b, ",\"kinds\":[");
        for (int kind = 1; kind < _WIRE_KIND_MAX; kind++)
                if (is_told((enum wire_kind)kind)) {
                        strbuf_put(p->b, separator);
                        put_json_kind(p, (enum wire_kind)kind);
                        separator = ",";
                }
        strbuf_printf(p->b, "],\"compat\":\"%s\",\"io_uring\":\"%s\"",
                      verdict_to_string(survey_of_role(p->survey, HOOKS_OF_COMPAT)),
                      verdict_to_string(survey_of_role(p->survey, HOOKS_OF_URING)));
        strbuf_put(p->b, ",\"policies\":");
        separator = "";
        if (p->program) {
                strbuf_put_char(p->b, '[');
                for (uint32_t i = 0; i < p->program->n_paths; i++) {
                        const struct path *path = &p->program->paths[i];
                        uint64_t none = blind_kinds(p, path, SURVEY_NONE), part = blind_kinds(p, path, SURVEY_PART);
                        uint64_t untried = blind_kinds(p, path, SURVEY_UNKNOWN);

                        p->n_lost += none || part;
                        strbuf_printf(p->b, "%s{\"policy\":", separator);
                        strbuf_put_json(p->b, program_text(p->program, path->name), path->name.length);
                        strbuf_put(p->b, ",\"file\":");
                        strbuf_put_json(p->b, program_text(p->program, path->file), path->file.length);
                        strbuf_printf(p->b, ",\"line\":%" PRIu32 ",\"whole\":%s,\"lost\":[", path->line,
                                      none || part ? "false" : untried ? "null" : "true");
                        put_kinds(none, ",", "\"", p->b);
                        strbuf_put(p->b, "],\"part\":[");
                        put_kinds(part, ",", "\"", p->b);
                        strbuf_put(p->b, "]}");
                        separator = ",";
                }
                strbuf_put_char(p->b, ']');
        } else
                strbuf_put(p->b, "null");
        strbuf_put(p->b, "}\n");
}

static int run(const struct verb *verb, int argc, char *argv[]) {
        _cleanup_(survey_freep) struct survey *survey = NULL;
        _cleanup_(loaded_done) struct loaded loaded = {};
        _cleanup_(strbuf_done) struct strbuf b = {};
        struct preflight preflight = {.b = &b};
        bool json = false, measure = false;
        struct places places = {};
        const struct verb_option options[] = {
                {"policies", OPTION_PLACE, .places = &places},
                {"json", OPTION_FLAG, .flag = &json},
                {"measure", OPTION_FLAG, .flag = &measure},
                {},
        };
        int policies_status, status;
        status = verb_options(verb, argc, argv, options);
        if (status != EXIT_STATUS_SUCCESS)
                return status;
        if (optind < argc) {
                log_error("Unexpected '%s'; places are named with --policies", argv[optind]);
                return verb_usage(verb);
        }

        policies_status = loaded_read(&places, &loaded);
        if (survey_new(&survey) < 0) {
                log_oom();
                return EXIT_STATUS_FAILURE;
        }
        if (measure && survey->error >= 0 && price_measure(preflight.prices) < 0)
                log_warning("Prices could not be measured");
        preflight.survey = survey;
        preflight.program = policies_status == EXIT_STATUS_SUCCESS ? loaded.program : NULL;
        if (json)
                put_json(&preflight);
        else
                put_text(&preflight);

        status = verb_print(&b);
        if (status != EXIT_STATUS_SUCCESS)
                return status;
        if (survey->error < 0)
                return exit_status_of_capture(survey->error);
        if (policies_status != EXIT_STATUS_SUCCESS)
                return policies_status;
        return preflight.n_lost > 0 ? EXIT_STATUS_FAILURE : EXIT_STATUS_SUCCESS;
}

const struct verb verb_preflight = {
        .name = "preflight",
        .arguments = "[--policies PLACE]... [--measure] [--json]",
        .summary = "Say what this kernel lets us do, kind by kind, and which policies lose a step",
        .help = "  --policies PLACE  file or directory of policies; may be repeated. Without it: as the configuration "
                "says\n"
                "  --measure         also what watching costs, measured here: a few seconds\n"
                "  --json            one JSON object\n"
                "\n"
                "Every program is loaded and attached to each of its places, and taken off again. That needs the "
                "daemon's "
                "privileges;\n"
                "without them it says what it could not try.\n"
                "Exit status 0: every loaded policy sees all that it looks at. 1: one loses a step. Others say why "
                "nothing "
                "could be tried.\n",
        .run = run,
};
