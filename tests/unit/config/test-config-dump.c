/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/clock.h"
#include "base/strbuf.h"
#include "config/config-private.h"
#include "unit.h"

static struct diag_set diags;

static void parse(const char *text, struct config *ret) {
        struct strbuf b = {};

        diag_set_init(&diags, 0);
        if (config_parse("dump", text, strlen(text), &diags, ret) < 0) {
                diag_set_put_text(&diags, NULL, 0, &b);
                ck_abort_msg("%s\n%s", strbuf_str(&b), text);
        }
        diag_set_done(&diags);
}

static void check_equal(const struct config *a, const struct config *b) {
        for (size_t i = 0; i < n_config_keys; i++) {
                const struct config_key *key = &config_keys[i];

                if (key->type == CONFIG_LIST_PATH || key->type == CONFIG_LIST_NAME) {
                        const struct config_list *x = config_get_list(a, key), *y = config_get_list(b, key);

                        ck_assert_uint_eq(x->n, y->n);
                        for (size_t k = 0; k < x->n; k++)
                                ck_assert_str_eq(x->items[k], y->items[k]);
                } else
                        ck_assert_msg(config_get_number(a, key) == config_get_number(b, key), "%s.%s", key->section,
                                      key->name);
        }
}

/* Every line "#    key: value" with its mark taken off. */
static void uncomment(const char *text, struct strbuf *b) {
        for (const char *line = text, *end; *line; line = end + 1) {
                const char *mark = line + strspn(line, " ");

                end = strchr(line, '\n');
                ck_assert_ptr_nonnull(end);
                if (mark[0] == '#' && mark[1] != ' ' && mark < end) {
                        strbuf_put_n(b, line, mark - line);
                        strbuf_put_n(b, mark + 1, end - mark);
                } else if (mark[0] == '#' && memcmp(mark, "#    - ", 7) == 0) {
                        strbuf_put_n(b, line, mark - line);
                        strbuf_put_n(b, mark + 1, end - mark);
                } else
                        strbuf_put_n(b, line, end - line + 1);
        }
}

START_TEST(the_example_file_names_every_key_and_changes_nothing) {
        struct config defaults = {}, read = {};
        struct strbuf b = {};

        ck_assert_int_eq(config_init(CONFIG_PROFILE_BALANCED, &defaults), 0);
        ck_assert_int_eq(config_dump_defaults(&b), 0);
        for (size_t i = 0; i < n_config_keys; i++) {
                struct strbuf line = {};

                if (config_keys[i].type == CONFIG_SECTION)
                        strbuf_printf(&line, "\n%s:\n", config_keys[i].section);
                else
                        strbuf_printf(&line, "\n        #%s:", config_keys[i].name);
                ck_assert_msg(strstr(strbuf_str(&b), strbuf_str(&line)), "missing: %s", strbuf_str(&line));
                strbuf_done(&line);
        }
        parse(strbuf_str(&b), &read);
        check_equal(&defaults, &read);
        config_done(&read);
        config_done(&defaults);
        strbuf_done(&b);
}
END_TEST

START_TEST(the_example_file_without_its_comment_marks_says_the_defaults) {
        struct config defaults = {}, read = {};
        struct strbuf commented = {}, plain = {};

        ck_assert_int_eq(config_init(CONFIG_PROFILE_BALANCED, &defaults), 0);
        ck_assert_int_eq(config_dump_defaults(&commented), 0);
        uncomment(strbuf_str(&commented), &plain);
        ck_assert_ptr_nonnull(strstr(strbuf_str(&plain), "\n        ring_size: 8M\n"));
        ck_assert_ptr_nonnull(strstr(strbuf_str(&plain), "\n            - \"/usr/sbin/sshd\"\n"));
        parse(strbuf_str(&plain), &read);
        check_equal(&defaults, &read);
        config_done(&read);
        config_done(&defaults);
        strbuf_done(&commented);
        strbuf_done(&plain);
}
END_TEST

START_TEST(a_dump_reads_back_as_the_same_configuration) {
        struct config first = {}, second = {};
        struct strbuf b = {};

        parse("capture: {ring_size: 64K, max_latency: 1.5ms, compat: always, supervisors: []}\n"
              "policies: {directories: ['/a b', \"/c\\\"d\\\\\", /\xc3\xa9, '/x: y # z']}\n"
              "alerts: {redact: off, min_severity: critical, output: json, redact_patterns: ['*', '- x', 'yes', "
              "'{']}\n",
              &first);
        config_dump(&first, &b);
        ck_assert_ptr_nonnull(strstr(strbuf_str(&b), "\n        ring_size: 64K\n"));
        ck_assert_ptr_nonnull(strstr(strbuf_str(&b), "\n        #max_runs: 65536\n"));
        ck_assert_ptr_nonnull(strstr(strbuf_str(&b), "\n        max_latency: 1ms500us\n"));
        parse(strbuf_str(&b), &second);
        check_equal(&first, &second);
        config_done(&first);
        config_done(&second);
        strbuf_done(&b);
}
END_TEST

START_TEST(defaults_are_within_their_own_bounds_and_every_key_says_what_it_is) {
        for (size_t i = 0; i < n_config_keys; i++) {
                const struct config_key *key = &config_keys[i];

                ck_assert_msg(key->doc && strlen(key->doc) > 10 && endswith(key->doc, "."), "%s.%s", key->section,
                              key->name ? key->name : "");
                if (key->type == CONFIG_SIZE || key->type == CONFIG_DURATION || key->type == CONFIG_COUNT) {
                        ck_assert_msg(key->min <= key->number && key->number <= key->max, "%s.%s", key->section,
                                      key->name);
                        ck_assert(!key->is_power_of_two || is_pow2(key->number));
                }
        }
}
END_TEST

START_TEST(what_profiles_have_is_within_the_bounds_of_its_key) {
        for (size_t i = 0; i < n_config_keys; i++) {
                const struct config_key *key = &config_keys[i];

                for (enum config_profile k = 0; k < _CONFIG_PROFILE_MAX; k++) {
                        uint64_t value = config_profile_number(k, key);

                        if (value == key->number)
                                continue;
                        ck_assert_msg(k != CONFIG_PROFILE_BALANCED, "balanced is config-keys.def: %s", key->name);
                        if (key->type == CONFIG_BOOLEAN)
                                ck_assert_uint_le(value, 1);
                        else if (key->type == CONFIG_SIZE || key->type == CONFIG_DURATION ||
                                 key->type == CONFIG_COUNT)
                                ck_assert_msg(key->min <= value && value <= key->max, "%s.%s", key->section,
                                              key->name);
                        else
                                ck_assert_msg(key->type == CONFIG_CHOICE, "%s.%s is a list", key->section, key->name);
                        ck_assert(!key->is_power_of_two || is_pow2(value));
                }
        }
}
END_TEST

START_TEST(every_profile_can_be_had_by_writing_down_what_it_gives) {
        for (enum config_profile i = 0; i < _CONFIG_PROFILE_MAX; i++) {
                struct config of_profile = {}, read = {};
                struct strbuf text = {}, dump = {}, changes = {};

                strbuf_printf(&text, "performance: {profile: %s}\n", config_profile_to_string(i));
                parse(strbuf_str(&text), &of_profile);
                config_dump(&of_profile, &dump);
                parse(strbuf_str(&dump), &read);
                check_equal(&of_profile, &read);

                config_dump_changes(&of_profile, &changes);
                ck_assert_ptr_nonnull(strstr(strbuf_str(&changes), "performance.profile: "));
                ck_assert_int_eq(strstr(strbuf_str(&changes), " # of profile ") != NULL,
                                 i != CONFIG_PROFILE_BALANCED);
                config_done(&of_profile);
                config_done(&read);
                strbuf_done(&text);
                strbuf_done(&dump);
                strbuf_done(&changes);
        }
}
END_TEST

START_TEST(the_reference_has_a_row_for_every_key) {
        struct strbuf b = {}, row = {};

        config_dump_reference(&b);
        for (size_t i = 0; i < n_config_keys; i++) {
                strbuf_clear(&row);
                if (config_keys[i].type == CONFIG_SECTION)
                        strbuf_printf(&row, "## %s\n", config_keys[i].section);
                else
                        strbuf_printf(&row, "\n| `%s` | ", config_keys[i].name);
                ck_assert_msg(strstr(strbuf_str(&b), strbuf_str(&row)), "missing: %s", strbuf_str(&row));
        }
        ck_assert_ptr_nonnull(strstr(strbuf_str(&b), "| `ring_size` | `8M` | 64K to 256M, a power of two | Memory"));
        ck_assert_ptr_nonnull(
                strstr(strbuf_str(&b), "\n| `capture.max_latency` | `1ms` | `100us` | `10ms` | `1ms` |\n"));
        ck_assert_ptr_nonnull(strstr(strbuf_str(&b), "| `compat` | `auto` | auto, always, off | "));
        strbuf_done(&b);
        strbuf_done(&row);
}
END_TEST

UNIT_MAIN("config/config-dump",
          the_example_file_names_every_key_and_changes_nothing,
          the_example_file_without_its_comment_marks_says_the_defaults,
          a_dump_reads_back_as_the_same_configuration,
          defaults_are_within_their_own_bounds_and_every_key_says_what_it_is,
          what_profiles_have_is_within_the_bounds_of_its_key,
          every_profile_can_be_had_by_writing_down_what_it_gives,
          the_reference_has_a_row_for_every_key)
