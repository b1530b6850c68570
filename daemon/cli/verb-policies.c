/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cleanup.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "cli/loaded.h"
#include "cli/policies-show.h"
#include "cli/verb.h"

struct listing {
        const struct policy_set *set;
        struct strbuf *b;
};

static void put_name(struct text name, struct strbuf *b) {
        strbuf_put_text(b, name.bytes, name.length);
}

/* The paths that are written in a file. */
static void put_paths(const struct listing *l, const struct policy_origin *origin) {
        bool any = false;

        for (const struct path_node *path = l->set->paths; path; path = path->next) {
                if (path->source != origin->source)
                        continue;
                strbuf_put(l->b, any ? ", " : "    ");
                put_name(path->name, l->b);
                strbuf_printf(l->b, " (%s)", severity_to_string(path->severity));
                any = true;
        }
        strbuf_put(l->b, any ? "\n" : "    lists and macros only\n");
}

static void put_line(const char *what, const char *path, struct strbuf *b) {
        strbuf_printf(b, "    %s ", what);
        strbuf_put_text(b, path, strlen(path));
        strbuf_put_char(b, '\n');
}

/* What a file that stands masks, and what extends it. */
static void put_relations(const struct listing *l, const struct policy_origin *origin) {
        for (const struct policy_origin *o = l->set->origins; o; o = o->next)
                if (o->state == POLICY_ORIGIN_MASKED && o->masked_by == origin)
                        put_line(origin->state == POLICY_ORIGIN_OFF ? "switches off" : "masks", o->path, l->b);
        for (const struct policy_origin *o = l->set->origins; o; o = o->next)
                if (o->drop_in && o->extends == origin && o->state == POLICY_ORIGIN_USED)
                        put_line("extended by", o->path, l->b);
}

static void list_text(const struct listing *l) {
        size_t n_used = 0, n_drop_ins = 0, n_masked = 0, n_off = 0, n_idle = 0;

        for (const struct policy_origin *o = l->set->origins; o; o = o->next) {
                n_used += o->state == POLICY_ORIGIN_USED && !o->drop_in;
                n_drop_ins += o->state == POLICY_ORIGIN_USED && o->drop_in;
                n_masked += o->state == POLICY_ORIGIN_MASKED;
                n_off += o->state == POLICY_ORIGIN_OFF;
                n_idle += o->state == POLICY_ORIGIN_IDLE;

                /* Those are told with the file that they extend, or that stands in their place. */
                if (o->state == POLICY_ORIGIN_MASKED || (o->state == POLICY_ORIGIN_USED && o->drop_in && o->extends))
                        continue;
                strbuf_put_text(l->b, o->path, strlen(o->path));
                strbuf_put(l->b, o->state == POLICY_ORIGIN_OFF    ? ": a link to /dev/null\n"
                                 : o->state == POLICY_ORIGIN_IDLE ? ": extends nothing that is there\n"
                                                                  : "\n");
                if (o->state == POLICY_ORIGIN_USED)
                        put_paths(l, o);
                put_relations(l, o);
        }
        strbuf_printf(l->b, "\n%zu policies in %zu files, %zu drop-ins; %zu files masked, %zu switched off",
                      l->set->n_paths, n_used, n_drop_ins, n_masked, n_off);
        if (n_idle > 0)
                strbuf_printf(l->b, ", %zu drop-ins that extend nothing", n_idle);
        strbuf_put_char(l->b, '\n');
}

static void put_json_key(const char *key, const char *value, struct strbuf *b) {
        strbuf_printf(b, ",\"%s\":", key);
        strbuf_put_json_str(b, value);
}

/* A file on each line, those that are masked as well. */
static void list_json(const struct listing *l) {
        for (const struct policy_origin *o = l->set->origins; o; o = o->next) {
                bool first = true;

                strbuf_put(l->b, "{\"file\":");
                strbuf_put_json_str(l->b, o->path);
                put_json_key("name", o->name, l->b);
                put_json_key("place", o->place, l->b);
                put_json_key("state", policy_origin_state_to_string(o->state), l->b);
                strbuf_printf(l->b, ",\"drop_in\":%s", o->drop_in ? "true" : "false");
                put_json_key("masked_by", o->masked_by ? o->masked_by->path : NULL, l->b);
                put_json_key("extends", o->extends ? o->extends->path : NULL, l->b);
                strbuf_put(l->b, ",\"policies\":[");
                for (const struct path_node *path = l->set->paths; path; path = path->next) {
                        if (!o->source || path->source != o->source)
                                continue;
                        strbuf_put(l->b, first ? "{\"name\":" : ",{\"name\":");
                        strbuf_put_json(l->b, path->name.bytes, path->name.length);
                        strbuf_printf(l->b, ",\"line\":%u,\"severity\":\"%s\"}", path->span.line,
                                      severity_to_string(path->severity));
                        first = false;
                }
                strbuf_put(l->b, "]}\n");
        }
}

static int show(const struct policy_set *set, const char *name, struct strbuf *b) {
        for (const struct path_node *path = set->paths; path; path = path->next)
                if (text_is(path->name, name)) {
                        policies_show(path, b);
                        return verb_print(b);
                }
        log_error("There is no policy '%s'; `execrayctl policies` lists those that are loaded", name);
        return EXIT_STATUS_USAGE;
}

static int run(const struct verb *verb, int argc, char *argv[]) {
        _cleanup_(loaded_done) struct loaded loaded = {};
        _cleanup_(strbuf_done) struct strbuf b = {};
        struct places places = {};
        struct listing listing;
        const char *shown = NULL;
        bool json = false;
        const struct verb_option options[] = {
                {"policies", OPTION_PLACE, .places = &places},
                {"json", OPTION_FLAG, .flag = &json},
                {},
        };
        int status;

        status = verb_options(verb, argc, argv, options);
        if (status != EXIT_STATUS_SUCCESS)
                return status;
        if (optind + 2 == argc && streq(argv[optind], "show") && !json)
                shown = argv[optind + 1];
        else if (optind < argc) {
                log_error("Unexpected '%s'; places are named with --policies", argv[optind]);
                return verb_usage(verb);
        }

        status = loaded_read(&places, &loaded);
        if (status != EXIT_STATUS_SUCCESS)
                return status;
        if (shown)
                return show(loaded.set, shown, &b);
        listing = (struct listing){.set = loaded.set, .b = &b};
        if (json)
                list_json(&listing);
        else
                list_text(&listing);
        return verb_print(&b);
}

const struct verb verb_policies = {
        .name = "policies",
        .arguments = "[show NAME] [--policies PLACE]... [--json]",
        .summary = "List the policies that are loaded, from where, and what masks or extends them; or say what one is "
                   "about",
        .help = "  show NAME         of this policy: description, severity, techniques, and what its author says: why, "
                "what it does\n"
                "                    not see, what raises it wrongly, what to do then\n"
                "  --policies PLACE  file or directory of policies; may be repeated, an earlier one masks a later one. "
                "Without "
                "it:\n"
                "                    the directories that the configuration names, as the daemon would read them\n"
                "  --json            one JSON object for each file that was found, one a line: file, name, place, "
                "state, "
                "drop_in,\n"
                "                    masked_by, extends, policies (name, line, severity)\n"
                "\n"
                "Each file is told with the policies in it, with the files of the same name in later places, which it "
                "masks, and with the\n"
                "drop-ins that extend it (NAME.policy.d/*.conf). A link to /dev/null switches off what has its name.\n",
        .run = run,
};
