/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/options.h"

#include <inttypes.h>

#include "base/log.h"
#include "base/macro.h"
#include "base/parse.h"
#include "cli/verb.h"

#define FIRST 256                       /* what getopt_long() returns for the first of a table */

static const char *format_bound(enum option_kind kind, uint64_t bound, char buffer[static FORMAT_DURATION_MAX]) {
        if (kind == OPTION_SIZE)
                return format_size(buffer, bound);
        if (kind == OPTION_DURATION)
                return format_duration(buffer, bound);
        (void)snprintf(buffer, FORMAT_DURATION_MAX, "%" PRIu64, bound);
        return buffer;
}

static bool take_number(const struct verb_option *option, const char *value) {
        static const char *const words[] = {
                [OPTION_NUMBER] = "number",
                [OPTION_SIZE] = "size",
                [OPTION_DURATION] = "duration",
        };
        int (*const parse)(const char *, uint64_t, uint64_t, uint64_t *) = option->kind == OPTION_NUMBER ? parse_u64
                : option->kind == OPTION_SIZE                                                            ? parse_size
                                                                                               : parse_duration;
        char min[FORMAT_DURATION_MAX], max[FORMAT_DURATION_MAX];

        if (parse(value, option->min, option->max, option->number) >= 0)
                return true;
        log_error("--%s takes a %s from %s %s%s, not '%s'", option->name, words[option->kind],
                  format_bound(option->kind, option->min, min), option->max == OPTION_NO_MAX ? "on" : "to ",
                  option->max == OPTION_NO_MAX ? "" : format_bound(option->kind, option->max, max), value);
        return false;
}

static bool take(const struct verb_option *option, const char *value) {
        switch (option->kind) {
        case OPTION_FLAG: *option->flag = true; return true;
        case OPTION_TEXT: *option->text = value; return true;
        case OPTION_NUMBER:
        case OPTION_SIZE:
        case OPTION_DURATION: return take_number(option, value);
        case OPTION_PLACE: return places_add(option->places, value);
        case OPTION_OTHER: return option->take(value, option->data);
        case OPTION_END: break;
        }
        return false;
}

int verb_options(const struct verb *verb, int argc, char *argv[], const struct verb_option *options) {
        struct option names[OPTIONS_MAX + 2] = {{"help", no_argument, NULL, 'h'}};
        int c;

        for (int i = 0; i < OPTIONS_MAX && options[i].kind != OPTION_END; i++)
                names[i + 1] = (struct option){
                        .name = options[i].name,
                        .has_arg = options[i].kind == OPTION_FLAG ? no_argument : required_argument,
                        .val = FIRST + i,
                };

        opterr = 0;
        while ((c = getopt_long(argc, argv, ":h", names, NULL)) != -1) {
                if (c == 'h')
                        verb_help(verb);
                if (c == ':' || c == '?') {
                        log_error(c == ':' ? "Option '%s' needs a value" : "Unknown option '%s'", argv[optind - 1]);
                        return verb_usage(verb);
                }
                if (!take(&options[c - FIRST], optarg))
                        return EXIT_STATUS_USAGE;
        }
        return EXIT_STATUS_SUCCESS;
}
