/* SPDX-License-Identifier: Apache-2.0 */
/* The parser's part that reads what is said about a path as a whole: properties and exceptions. */
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "policy/parser-private.h"

enum property {
        PROPERTY_DESCRIPTION,
        PROPERTY_SEVERITY,
        PROPERTY_MITRE,
        PROPERTY_BY,
        PROPERTY_WITHIN,
        PROPERTY_RESPOND,
        PROPERTY_SUPPRESS,
        PROPERTY_ON_LOSS,
        PROPERTY_SCORE,
        PROPERTY_DECAY,
        PROPERTY_ENFORCE,
        _PROPERTY_MAX,
};

static const char *const property_names[_PROPERTY_MAX] = {
        [PROPERTY_DESCRIPTION] = "description",
        [PROPERTY_SEVERITY] = "severity",
        [PROPERTY_MITRE] = "mitre",
        [PROPERTY_BY] = "by",
        [PROPERTY_WITHIN] = "within",
        [PROPERTY_RESPOND] = "respond",
        [PROPERTY_SUPPRESS] = "suppress",
        [PROPERTY_ON_LOSS] = "on_loss",
        [PROPERTY_SCORE] = "score",
        [PROPERTY_DECAY] = "decay",
        [PROPERTY_ENFORCE] = "enforce",
};

/* Found in other languages of this kind. */
static const struct {
        const char *name, *hint;
} foreign[] = {
        {"owner", "an exception has an owner: 'except \"why\" owner \"who\" { ... }'"},
        {"expires", "an exception expires: 'except \"why\" expires \"2027-01-31\" { ... }'"},
        {"threshold", "'score = 50' is the threshold of a path whose steps have points"},
        {"tags", "techniques of ATT&CK stand in 'mitre'; everything else in 'description'"},
        {"references", "say it in 'description', or in a comment"},
        {"author", "say it in 'description', or in a comment"},
        {"priority", "it is called 'severity'"},
        {"timeframe", "it is called 'within'"},
        {"enabled", "a link to /dev/null in the administrator's directory switches a file off"},
};

_Static_assert(_PROPERTY_MAX <= sizeof(((struct body *)0)->properties) / sizeof(struct diag_span),
               "one place for each property");

/* texts = STRING | "[" { STRING | "," } "]" ; */
static bool parse_texts(struct parser *p, const char *where, struct texts *ret) {
        size_t capacity = 0;
        bool list = parser_take(p, TOKEN_BRACKET_OPEN);

        while (!list || !parser_take(p, TOKEN_BRACKET_CLOSE)) {
                struct text text;
                struct diag_span span;

                if (list && parser_take(p, TOKEN_COMMA))
                        continue;
                if (!parser_string(p, where, &text, &span))
                        return false;

                if (ret->n == capacity) {
                        size_t n = MAX((size_t)4, capacity * 2);
                        struct text *items = arena_new_array(p->arena, struct text, n);
                        struct diag_span *spans = arena_new_array(p->arena, struct diag_span, n);

                        if (!items || !spans)
                                return parser_no_memory(p);
                        if (ret->n > 0) {
                                memcpy(items, ret->items, ret->n * sizeof(*items));
                                memcpy(spans, ret->spans, ret->n * sizeof(*spans));
                        }
                        ret->items = items;
                        ret->spans = spans;
                        capacity = n;
                }
                ret->items[ret->n] = text;
                ret->spans[ret->n++] = span;

                if (!list)
                        break;
        }
        return true;
}

/* choice = WORD | STRING ;  one of a fixed set */
static bool parse_choice(struct parser *p, const char *property, int (*from_string)(const char *, size_t),
                         const char *(*to_string)(int), int n_choices, int *ret) {
        const char *choices[16];
        char all[160] = "";
        struct text text;
        int value;

        if (!parser_at(p, TOKEN_WORD) && !parser_at(p, TOKEN_STRING) && !parser_at(p, TOKEN_RAW))
                return parser_fail(p, "expected a word after '%s =', found %s", property, parser_describe(p));
        if (!parser_text(p, &p->token, &text))
                return false;

        value = from_string(text.bytes, text.length);
        if (value >= 0) {
                *ret = value;
                parser_advance(p);
                return true;
        }

        for (int i = 0; i < n_choices; i++) {
                choices[i] = to_string(i);
                snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s", i == 0 ? "" : i + 1 < n_choices ? ", "
                                                                                                               : " or ",
                         choices[i]);
        }
        parser_fail(p, "unknown value %s of '%s'", parser_describe(p), property);
        if (!p->token.broken) {
                const char *closest = diag_closest_n(text.bytes, text.length, choices, (size_t)n_choices);

                if (closest)
                        diag_did_you_mean(p->diags, closest);
                else
                        diag_hint(p->diags, "it is %s", all);
        }
        parser_advance(p);
        return true;
}

static const char *severity_name(int i) {
        return severity_to_string((enum severity)i);
}

static const char *key_name(int i) {
        return program_key_to_string((enum program_key)i);
}

static const char *on_loss_name(int i) {
        return on_loss_to_string((enum on_loss)i);
}

static const char *enforce_name(int i) {
        return path_enforce_to_string((enum path_enforce)i);
}

/* Points of a path as a whole: a number. */
static bool read_points(struct parser *p, const char *property, uint32_t *ret) {
        uint64_t value = 0;

        if (!parser_at(p, TOKEN_NUMBER))
                return parser_fail(p, "expected points after '%s =', found %s", property, parser_describe(p));
        if (parse_u64_n(token_bytes(p->source, &p->token), p->token.length, 1, PARSER_MAX_POINTS, &value) < 0)
                parser_fail(p, "points are 1 to %d", PARSER_MAX_POINTS);
        parser_advance(p);
        *ret = (uint32_t)MAX(value, UINT64_C(1));
        return true;
}

/* decay = NUMBER "per" period ; */
static bool parse_decay(struct parser *p, struct path_node *path) {
        path->decay_given = true;
        if (!read_points(p, "decay", &path->decay))
                return false;
        if (!parser_take_word(p, "per")) {
                parser_fail(p, "expected 'per' after the points, found %s", parser_describe(p));
                diag_hint(p->token.broken ? NULL : p->diags, "decay = 10 per 1m");
                return false;
        }
        return read_window(p, &path->decay_ns);
}

/* value = STRING | texts | choice | period | "unlimited" | NUMBER | decay ; */
static bool parse_value(struct parser *p, enum property property, struct body *body) {
        struct path_node *path = body->path;
        struct diag_span span;
        int value = -1;

        switch (property) {
        case PROPERTY_DESCRIPTION:
                return parser_string(p, "after 'description ='", &path->description, &span);
        case PROPERTY_SEVERITY:
                if (!parse_choice(p, "severity", severity_from_string, severity_name, _SEVERITY_MAX, &value))
                        return false;
                path->severity_given = true;
                if (value >= 0)
                        path->severity = (enum severity)value;
                return true;
        case PROPERTY_MITRE:
                return parse_texts(p, "after 'mitre =', like \"T1059.004\"", &path->mitre);
        case PROPERTY_BY:
                if (!parse_choice(p, "by", program_key_from_string, key_name, _KEY_MAX, &value))
                        return false;
                if (value >= 0)
                        path->by = (enum program_key)value;
                return true;
        case PROPERTY_WITHIN:
                if (body->type == BODY_BLOCK)
                        return read_window(p, body->within_ns);
                path->within_given = true;
                return parser_take_word(p, "unlimited") || read_window(p, &path->within_ns);
        case PROPERTY_RESPOND:
                path->respond_given = true;
                return parse_texts(p, "after 'respond =', like \"notify\"", &path->respond);
        case PROPERTY_SUPPRESS:
                path->suppress_given = true;
                return parse_period(p, &path->suppress_ns);
        case PROPERTY_ON_LOSS:
                if (!parse_choice(p, "on_loss", on_loss_from_string, on_loss_name, _ON_LOSS_MAX, &value))
                        return false;
                path->on_loss_given = true;
                if (value >= 0)
                        path->on_loss = (enum on_loss)value;
                return true;
        case PROPERTY_ENFORCE:
                if (!parse_choice(p, "enforce", path_enforce_from_string, enforce_name, _PATH_ENFORCE_MAX, &value))
                        return false;
                path->enforce_given = true;
                if (value >= 0)
                        path->enforce = (enum path_enforce)value;
                return true;
        case PROPERTY_SCORE:
                return read_points(p, "score", &path->score);
        case PROPERTY_DECAY:
                return parse_decay(p, path);
        case _PROPERTY_MAX:
                break;
        }
        return false;
}

/* Behind a property that is not taken: its value, if it looks like one. */
static void skip_value(struct parser *p) {
        if (parser_at(p, TOKEN_BRACKET_OPEN))
                parser_skip_group(p);
        else if (!parser_at(p, TOKEN_BRACE_CLOSE) && !p->token.first_on_line)
                parser_advance(p);
}

static enum property property_find(const struct parser *p) {
        for (int i = 0; i < _PROPERTY_MAX; i++)
                if (parser_at_word(p, property_names[i]))
                        return (enum property)i;
        return _PROPERTY_MAX;
}

/* May a drop-in set it? Not what the story is. */
static bool is_extension(enum property property) {
        return property == PROPERTY_SEVERITY || property == PROPERTY_WITHIN || property == PROPERTY_SUPPRESS ||
               property == PROPERTY_ON_LOSS || property == PROPERTY_RESPOND || property == PROPERTY_ENFORCE;
}

/* property = WORD "=" value ; */
bool parse_property(struct parser *p, struct body *body) {
        static const char *const where[] = {[BODY_BLOCK] = "a block", [BODY_ANY] = "'any'", [BODY_BRANCH] = "a branch",
                                            [BODY_ALL] = "'all'",   [BODY_REPEAT] = "'repeat'"};
        enum property property = property_find(p);
        struct diag_span span = parser_span(p);
        char name[64];

        snprintf(name, sizeof(name), "%.*s", (int)MIN(p->token.length, 60U), token_bytes(p->source, &p->token));
        parser_advance(p);

        if (parser_at(p, TOKEN_PLUS_ASSIGN)) {
                parser_fail(p, "'+=' adds to a list or a macro");
                diag_hint(p->diags, "properties are set with '='");
                parser_advance(p);
                skip_value(p);
                return true;
        }
        if (parser_at(p, TOKEN_EQUAL)) {
                parser_fail(p, "properties are set with '='");
                if (property == _PROPERTY_MAX)
                        diag_hint(p->diags, "a condition stands inside the braces of a step");
        }
        parser_advance(p);

        if (property == _PROPERTY_MAX) {
                p->broken = true;
                if (p->previous.type == TOKEN_ASSIGN) {
                        const char *hint = NULL;

                        for (size_t i = 0; i < ELEMENTSOF(foreign) && !hint; i++)
                                if (streq(name, foreign[i].name))
                                        hint = foreign[i].hint;
                        diag_error(p->diags, span, "unknown property '%s'", name);
                        if (hint)
                                diag_hint(p->diags, "%s", hint);
                        else
                                diag_did_you_mean(p->diags, diag_closest(name, property_names, _PROPERTY_MAX));
                }
                skip_value(p);
                return true;
        }

        if (body->type != BODY_PATH && !(body->type == BODY_BLOCK && property == PROPERTY_WITHIN)) {
                p->broken = true;
                diag_error(p->diags, span, "'%s' belongs to the path, not to %s", name, where[body->type]);
                if (body->type == BODY_REPEAT && property == PROPERTY_WITHIN)
                        diag_hint(p->diags, "before the braces: 'repeat 5 within 10s { ... }'");
                skip_value(p);
                return true;
        }

        if (body->properties[property].line > 0 || (body->type == BODY_BLOCK && body->within_given)) {
                struct diag_span first = body->properties[body->within_given ? 0 : property];

                p->broken = true;
                diag_error(p->diags, span, "'%s' is set a second time", name);
                diag_related(p->diags, first, "first here");
                skip_value(p);
                return true;
        }
        if (p->drop_in && body->type == BODY_PATH && !is_extension(property)) {
                p->broken = true;
                diag_error(p->diags, span, "a drop-in cannot set '%s'", name);
                diag_hint(p->diags,
                          "it sets severity, within, suppress, on_loss, enforce and respond, and adds exceptions");
                skip_value(p);
                return true;
        }
        body->properties[property] = span;
        if (body->type == BODY_PATH && property == PROPERTY_WITHIN)
                body->path->within_span = span;
        else if (property == PROPERTY_SCORE)
                body->path->score_span = span;
        else if (property == PROPERTY_DECAY)
                body->path->decay_span = span;
        else if (property == PROPERTY_ENFORCE)
                body->path->enforce_span = span;
        return parse_value(p, property, body);
}

/* A date as people write it is checked by sema; here it is any string. */
static bool read_expires(struct parser *p, struct exception *exception) {
        if (!parser_at(p, TOKEN_STRING) && !parser_at(p, TOKEN_RAW)) {
                parser_fail(p, "expected a day after 'expires', found %s", parser_describe(p));
                diag_hint(p->token.broken ? NULL : p->diags, "in quotes: \"2027-01-31\"");
                return false;
        }
        return parser_string(p, "", &exception->expires, &exception->expires_span);
}

/* exception = "except" [ STRING ] { "owner" STRING | "expires" STRING } "{" conditions ; */
bool parse_exception(struct parser *p, struct body *body) {
        struct diag_span start = parser_span(p), open, span;
        struct exception *exception;

        parser_advance(p);
        if (body->type != BODY_PATH) {
                p->broken = true;
                diag_error(p->diags, start, "'except' belongs to the path as a whole");
                return false;
        }

        exception = arena_new(p->arena, struct exception);
        if (!exception)
                return parser_no_memory(p);

        if ((parser_at(p, TOKEN_STRING) || parser_at(p, TOKEN_RAW)) && !parser_string(p, "", &exception->reason, &span))
                return false;
        while (!parser_at(p, TOKEN_BRACE_OPEN)) {
                if (parser_take_word(p, "owner")) {
                        if (!parser_string(p, "after 'owner'", &exception->owner, &span))
                                return false;
                } else if (parser_take_word(p, "expires")) {
                        if (!read_expires(p, exception))
                                return false;
                } else
                        break;
        }

        open = parser_span(p);
        if (!parser_expect(p, TOKEN_BRACE_OPEN, "after 'except'"))
                return false;

        parser_begin_conditions(p);
        if (!parse_conditions(p, open, "'except'", false, &exception->condition))
                return false;

        exception->span = parser_span_from(p, start);
        *body->exceptions_end = exception;
        body->exceptions_end = &exception->next;
        return true;
}

/* response = "on" "step" NUMBER "respond" [ "=" ] texts ; */
bool parse_response(struct parser *p, struct body *body) {
        struct diag_span start = parser_span(p);
        struct step_response *response;
        uint64_t number = 0;

        parser_advance(p);
        if (body->type != BODY_PATH) {
                p->broken = true;
                diag_error(p->diags, start, "'on step' belongs to the path as a whole");
                return false;
        }

        if (p->n_elements++ >= PARSER_MAX_ELEMENTS)
                return parser_fail(p, "too many steps and responses in one path: more than %d", PARSER_MAX_ELEMENTS);
        response = arena_new(p->arena, struct step_response);
        if (!response)
                return parser_no_memory(p);

        if (!parser_take_word(p, "step")) {
                parser_fail_expected(p, "'step' after 'on'");
                diag_hint(p->token.broken ? NULL : p->diags, "on step 2 respond [\"notify\"]");
                return false;
        }
        response->number_span = parser_span(p);
        if (!parser_at(p, TOKEN_NUMBER) || parse_u64_n(token_bytes(p->source, &p->token), p->token.length, 0,
                                                       UINT32_MAX, &number) < 0)
                return parser_fail(p, "expected the number of a step, found %s", parser_describe(p));
        response->number = (uint32_t)number;
        parser_advance(p);

        if (!parser_take_word(p, "respond")) {
                parser_fail_expected(p, "'respond' after the step");
                diag_hint(p->token.broken ? NULL : p->diags, "on step 2 respond [\"notify\"]");
                return false;
        }
        parser_take(p, TOKEN_ASSIGN);
        if (!parse_texts(p, "after 'respond', like \"notify\"", &response->respond))
                return false;

        response->span = parser_span_from(p, start);
        *body->responses_end = response;
        body->responses_end = &response->next;
        return true;
}
