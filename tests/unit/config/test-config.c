/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/strbuf.h"
#include "unit.h"

static struct config config;
static struct diag_set diags;

static int parse(const char *text) {
        diag_set_init(&diags, 0);
        return config_parse("execrayd.yaml", text, strlen(text), &diags, &config);
}

static void forget(void) {
        config_done(&config);
        diag_set_done(&diags);
}

/* One fault, one message, there; with this hint, or none. */
static void complains(const char *text, uint32_t line, uint32_t column, const char *message, const char *hint) {
        const struct diag *d;

        ck_assert_msg(parse(text) == -EBADMSG, "accepted: %s", text);
        ck_assert_msg(diags.list.n == 1, "%zu messages for: %s", diags.list.n, text);
        d = &diags.list.items[0];
        ck_assert_str_eq(d->text, message);
        ck_assert_msg(streq(d->hint, hint), "hint '%s' for: %s", d->hint ? d->hint : "none", text);
        ck_assert_uint_eq(d->span.line, line);
        ck_assert_uint_eq(d->span.column, column);
        ck_assert_ptr_null(config.capture.supervisors.items);
        forget();
}

START_TEST(without_a_word_everything_has_its_default) {
        ck_assert_int_eq(parse(""), 0);
        ck_assert_uint_eq(config.capture.ring_size_bytes, 8 * MIB);
        ck_assert_uint_eq(config.capture.max_latency_ns, NSEC_PER_MSEC);
        ck_assert_int_eq(config.capture.compat, CONFIG_COMPAT_AUTO);
        ck_assert_uint_ge(config.capture.supervisors.n, 10);
        ck_assert_uint_eq(config.policies.directories.n, 3);
        ck_assert_str_eq(config.policies.directories.items[0], "/etc/execrayd/policies");
        ck_assert_str_eq(config.policies.directories.items[1], "/run/execrayd/policies");
        ck_assert_str_eq(config.policies.directories.items[2], "/usr/lib/execrayd/policies");
        ck_assert_uint_eq(config.policies.default_within_ns, 10 * NSEC_PER_MIN);
        ck_assert_uint_eq(config.policies.suppress_ns, 60 * NSEC_PER_SEC);
        ck_assert_uint_eq(config.engine.max_runs, 65536);
        ck_assert_uint_eq(config.engine.max_tuples_per_key, 1024);
        ck_assert_uint_eq(config.process.grace_ns, 10 * NSEC_PER_SEC);
        ck_assert_int_eq(config.alerts.min_severity, CONFIG_SEVERITY_INFO);
        ck_assert(config.alerts.redact);
        ck_assert_uint_eq(config.alerts.redact_patterns.n, 0);
        forget();
}
END_TEST

START_TEST(what_the_file_says_wins_and_the_rest_stays_default) {
        ck_assert_int_eq(parse("capture:\n"
                               "    ring_size: 64K\n"
                               "    compat: off\n"
                               "    supervisors: []\n"
                               "policies:\n"
                               "    directories:\n"
                               "        - /srv/policies\n"
                               "        - \"/srv/with blank\"\n"
                               "process: { grace: 1h }\n"
                               "alerts:\n"
                               "    min_severity: high\n"
                               "    redact: no\n"
                               "    redact_patterns: ['*_pin']\n"
                               "engine:\n"),
                         0);
        ck_assert_uint_eq(diags.list.n, 0);
        ck_assert_uint_eq(config.capture.ring_size_bytes, 64 * KIB);
        ck_assert_int_eq(config.capture.compat, CONFIG_COMPAT_OFF);
        ck_assert_uint_eq(config.capture.supervisors.n, 0);
        ck_assert_uint_eq(config.capture.max_latency_ns, NSEC_PER_MSEC);
        ck_assert_uint_eq(config.policies.directories.n, 2);
        ck_assert_str_eq(config.policies.directories.items[1], "/srv/with blank");
        ck_assert_uint_eq(config.process.grace_ns, NSEC_PER_HOUR);
        ck_assert_int_eq(config.alerts.min_severity, CONFIG_SEVERITY_HIGH);
        ck_assert(!config.alerts.redact);
        ck_assert_str_eq(config.alerts.redact_patterns.items[0], "*_pin");
        ck_assert_uint_eq(config.engine.max_runs, 65536);
        forget();
}
END_TEST

START_TEST(a_profile_gives_the_defaults_of_other_keys) {
        ck_assert_int_eq(parse("performance: {profile: high-volume}\n"), 0);
        ck_assert_int_eq(config.performance.profile, CONFIG_PROFILE_HIGH_VOLUME);
        ck_assert_uint_eq(config.capture.max_latency_ns, 10 * NSEC_PER_MSEC);
        ck_assert(config.capture.filter);
        forget();
        ck_assert_int_eq(parse("performance: {profile: forensic}\n"), 0);
        ck_assert(!config.capture.filter && !config.capture.arming);
        ck_assert_int_eq(config.origins[CONFIG_ID_capture_filter], CONFIG_ORIGIN_PROFILE);
        ck_assert_int_eq(config.origins[CONFIG_ID_capture_compat], CONFIG_ORIGIN_DEFAULT);
        forget();
        ck_assert_int_eq(parse("performance: {profile: balanced}\n"), 0);
        ck_assert_uint_eq(config.capture.max_latency_ns, NSEC_PER_MSEC);
        forget();
}
END_TEST

START_TEST(what_the_file_says_wins_over_the_profile_wherever_it_stands) {
        ck_assert_int_eq(parse("capture: {filter: yes, ring_size: 8M}\nperformance: {profile: forensic}\n"), 0);
        ck_assert_int_eq(config.performance.profile, CONFIG_PROFILE_FORENSIC);
        ck_assert(config.capture.filter && !config.capture.arming);
        ck_assert_uint_eq(config.capture.ring_size_bytes, 8 * MIB);
        ck_assert_int_eq(config.origins[CONFIG_ID_capture_ring_size], CONFIG_ORIGIN_FILE);
        forget();
        complains("performance: {profile: forensics}\n", 1, 24,
                  "'forensics' is none of balanced|low-latency|high-volume|forensic", "did you mean 'forensic'?");
        complains("performance: [profile]\n", 1, 14, "'performance' is a section of keys, not a list", NULL);
        complains("performance: {profile: [forensic]}\n", 1, 24, "performance.profile is one value, not a list", NULL);
        complains("profile: forensic\n", 1, 1, "unknown section 'profile'",
                  "'profile' belongs in section 'performance'");
}
END_TEST

START_TEST(every_optimisation_can_be_switched) {
        ck_assert_int_eq(parse(""), 0);
        ck_assert_uint_ge(n_config_optimisations, 2);
        for (size_t i = 0; i < n_config_optimisations; i++) {
                const struct config_optimisation *optimisation = &config_optimisations[i];

                config_switch(&config, optimisation, true);
                ck_assert(config_is_on(&config, optimisation));
                config_switch(&config, optimisation, false);
                ck_assert(!config_is_on(&config, optimisation));
        }
        ck_assert(!config.capture.filter && !config.capture.arming);
        forget();
}
END_TEST

START_TEST(what_can_change_the_cost_of_events_has_another_fingerprint) {
        static const char *const others[] = {"capture: {ring_size: 64K}", "engine: {max_runs: 64}",
                                             "alerts: {redact_patterns: [a, b]}", "alerts: {redact_patterns: [ab]}"};
        static const char *const same[] = {"", "capture: {filter: no}", "performance: {governor: observe}",
                                           "capture: {ring_size: 8M}"};
        uint64_t fingerprints[1 + ELEMENTSOF(others)];

        for (size_t i = 0; i < ELEMENTSOF(same); i++) {
                ck_assert_int_eq(parse(same[i]), 0);
                if (i == 0)
                        fingerprints[0] = config_fingerprint(&config);
                ck_assert_uint_eq(config_fingerprint(&config), fingerprints[0]);
                forget();
        }
        for (size_t i = 0; i < ELEMENTSOF(others); i++) {
                ck_assert_int_eq(parse(others[i]), 0);
                fingerprints[i + 1] = config_fingerprint(&config);
                for (size_t k = 0; k <= i; k++)
                        ck_assert_uint_ne(fingerprints[i + 1], fingerprints[k]);
                forget();
        }
}
END_TEST

START_TEST(unknown_names_are_errors_with_what_was_probably_meant) {
        complains("captur:\n    ring_size: 4M\n", 1, 1, "unknown section 'captur'", "did you mean 'capture'?");
        complains("capture:\n    ringsize: 4M\n", 2, 5, "unknown key 'ringsize' in section 'capture'",
                  "did you mean 'ring_size'?");
        complains("capture:\n    zzz: 4M\n", 2, 5, "unknown key 'zzz' in section 'capture'", NULL);
        complains("capture:\n    grace: 4s\n", 2, 5, "unknown key 'grace' in section 'capture'",
                  "it belongs in section 'process'");
        complains("ring_size: 4M\n", 1, 1, "unknown section 'ring_size'", "'ring_size' belongs in section 'capture'");
        complains("<<: {}\n", 1, 1, "unknown section '<<'", NULL);
}
END_TEST

START_TEST(values_of_the_wrong_form_are_errors_at_the_value) {
        complains("capture: {ring_size: big}", 1, 22, "'big' is not a size", "write it like 512K or 16M");
        complains("capture: {max_latency: 5}", 1, 24, "'5' is not a duration", "write it like 500ms, 30s or 1h30min");
        complains("engine: {max_runs: -1}", 1, 20, "'-1' is not a number", "write it like 4096");
        complains("alerts: {redact: maybe}", 1, 18, "'maybe' is neither yes nor no", NULL);
        complains("alerts: {min_severity: hihg}", 1, 24, "'hihg' is none of info|low|medium|high|critical",
                  "did you mean 'high'?");
        complains("capture: {compat: [auto]}", 1, 19, "capture.compat is one value, not a list", NULL);
        complains("capture: {compat: {}}", 1, 19, "capture.compat is one value, not a section", NULL);
        complains("capture: {compat: }", 1, 11, "capture.compat has no value", "leave the line out to get the default");
}
END_TEST

START_TEST(values_out_of_range_are_told_the_range) {
        complains("capture: {ring_size: 32K}", 1, 22, "capture.ring_size must be from 64K to 256M", NULL);
        complains("capture: {ring_size: 512M}", 1, 22, "capture.ring_size must be from 64K to 256M", NULL);
        complains("capture: {ring_size: 3M}", 1, 22, "capture.ring_size must be a power of two",
                  "the nearest are 2M and 4M");
        complains("process: {grace: 2h}", 1, 18, "process.grace must be from 0s to 1h", NULL);
        complains("engine: {max_runs: 99999999999999999999}", 1, 20, "engine.max_runs must be from 64 to 65536", NULL);
}
END_TEST

START_TEST(lists_are_checked_item_by_item) {
        const char *hint = "write one item a line, each after '- ', or [a, b] on one line, [] for none";

        complains("policies: {directories: /etc}", 1, 25, "policies.directories is a list, not a value", hint);
        complains("policies: {directories: }", 1, 12, "policies.directories has no value",
                  "leave the line out to get the default");
        complains("policies: {directories: [/a, b]}", 1, 30, "'b' is not an absolute path", NULL);
        complains("policies: {directories: [/a, '']}", 1, 30, "an empty item", NULL);
        complains("policies: {directories: [/a, [/b]]}", 1, 30, "policies.directories is a list of plain values", NULL);
}
END_TEST

START_TEST(a_list_that_is_too_long_is_refused) {
        char text[4 * (CONFIG_LIST_MAX + 1) + 64];
        size_t n = sprintf(text, "alerts: {redact_patterns: [");

        for (int i = 0; i < CONFIG_LIST_MAX; i++)
                n += sprintf(text + n, "a, ");
        strcpy(text + n - 2, "]}");
        ck_assert_int_eq(parse(text), 0);
        forget();
        strcpy(text + n - 2, ", a]}");
        complains(text, 1, 27, "alerts.redact_patterns has 257 items, more than 256", NULL);
}
END_TEST

START_TEST(what_is_not_made_of_sections_is_refused) {
        complains("just text", 1, 1, "a configuration consists of sections, this is a value", NULL);
        complains("- a\n- b\n", 1, 1, "a configuration consists of sections, this is a list", NULL);
        complains("capture: 4M\n", 1, 10, "'capture' is a section of keys, not a value", NULL);
        ck_assert_int_eq(parse("---\n"), 0);
        forget();
}
END_TEST

START_TEST(every_fault_of_a_file_is_reported_in_one_go) {
        static const uint32_t lines[] = {2, 3, 4, 5, 6, 7, 9};

        ck_assert_int_eq(parse("capture:\n"
                               "    ring_size: 3M\n"
                               "    max_latency: 1h\n"
                               "    compat: sometimes\n"
                               "    compatt: auto\n"
                               "    supervisors: [sshd]\n"
                               "nothing: 1\n"
                               "alerts:\n"
                               "    redact: &anchor yes\n"),
                         -EBADMSG);
        diag_set_sort(&diags);
        ck_assert_uint_eq(diags.list.n, ELEMENTSOF(lines));
        for (size_t i = 0; i < ELEMENTSOF(lines); i++)
                ck_assert_uint_eq(diags.list.items[i].span.line, lines[i]);
        forget();
}
END_TEST

/* A directory for the files of one test. */
static char dir[] = "/tmp/test-config-XXXXXX", path[PATH_MAX];

static void enter(const char *text, mode_t mode) {
        int fd;

        umask(022);
        ck_assert_ptr_nonnull(mkdtemp(dir));
        snprintf(path, sizeof(path), "%s/execrayd.yaml", dir);
        fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(fd_write_full(fd, text, strlen(text)), 0);
        ck_assert_int_eq(fchmod(fd, mode), 0);
        close(fd);
        diag_set_init(&diags, 0);
}

static void leave(void) {
        char command[256];

        snprintf(command, sizeof(command), "rm -r %s", dir);
        ck_assert_int_eq(system(command), 0);
        diag_set_done(&diags);
}

START_TEST(a_file_is_read_if_only_its_owner_can_write_it) {
        _cleanup_(freep) char *text = NULL;
        size_t n = 0;

        enter("capture:\n", 0644);
        ck_assert_int_eq(config_read(path, &diags, &text, &n), 0);
        ck_assert_uint_eq(n, 9);
        ck_assert_str_eq(text, "capture:\n");
        leave();
}
END_TEST

START_TEST(a_file_that_others_can_write_is_refused_with_the_reason) {
        char *text = NULL;
        size_t n;

        enter("capture:\n", 0666);
        ck_assert_int_eq(config_read(path, &diags, &text, &n), -EBADMSG);
        ck_assert_str_eq(diags.list.items[0].text, "the file is writable by everybody: refused");
        ck_assert_ptr_nonnull(diags.list.items[0].hint);
        ck_assert_int_eq(chmod(path, 0644), 0);
        ck_assert_int_eq(chmod(dir, 0775), 0);
        ck_assert_int_eq(config_read(path, &diags, &text, &n), -EBADMSG);
        ck_assert_str_eq(diags.list.items[1].text, "its directory is writable by its group: refused");
        ck_assert_ptr_null(text);
        leave();
}
END_TEST

START_TEST(a_missing_file_is_no_fault_but_a_strange_one_is) {
        char *text = NULL;
        size_t n;

        enter("", 0644);
        ck_assert_int_eq(config_read("/nowhere/execrayd.yaml", &diags, &text, &n), -ENOENT);
        ck_assert_uint_eq(diags.list.n, 0);

        ck_assert_int_eq(unlink(path), 0);
        ck_assert_int_eq(symlink("/etc/passwd", path), 0);
        ck_assert_int_eq(config_read(path, &diags, &text, &n), -EBADMSG);
        ck_assert_str_eq(diags.list.items[0].text, "not a regular file");

        ck_assert_int_eq(unlink(path), 0);
        ck_assert_int_eq(mkfifo(path, 0600), 0);
        ck_assert_int_eq(config_read(path, &diags, &text, &n), -EBADMSG);
        leave();
}
END_TEST

/* A drop-in, below the directory of `path`. */
static void drop_in(const char *name, const char *text) {
        char file[PATH_MAX + 64];
        FILE *f;

        snprintf(file, sizeof(file), "%s.d", path);
        (void)mkdir(file, 0755);
        snprintf(file, sizeof(file), "%s.d/%s", path, name);
        f = fopen(file, "we");
        ck_assert_ptr_nonnull(f);
        fputs(text, f);
        fclose(f);
}

static int read_all(struct config *ret) {
        _cleanup_(config_files_done) struct config_files files = {};
        int r = config_read_all(path, &diags, &files);

        return r < 0 ? r : config_parse_all(files.items, files.n, &diags, ret);
}

START_TEST(of_drop_ins_the_last_one_counts_and_says_where_a_value_comes_from) {
        _cleanup_(config_done) struct config got = {};
        _cleanup_(strbuf_done) struct strbuf b = {};

        enter("performance:\n  profile: forensic\ncapture:\n  ring_size: 1M\n  content: 16\n", 0644);
        drop_in("20-b.yaml", "capture:\n  ring_size: 4M\n  supervisors: [/b]\nperformance:\n  profile: low-latency\n");
        drop_in("10-a.yaml", "capture:\n  ring_size: 2M\n  supervisors: [/a, /c]\n");
        drop_in("30-c.yaml.bak", "nonsense");
        drop_in("40-empty.yaml", "");
        ck_assert_int_eq(read_all(&got), 0);
        ck_assert_uint_eq(got.capture.ring_size_bytes, 4 << 20);
        ck_assert_uint_eq(got.capture.content_bytes, 16);
        ck_assert_uint_eq(got.capture.supervisors.n, 1);
        ck_assert_int_eq(got.performance.profile, CONFIG_PROFILE_LOW_LATENCY);
        ck_assert_uint_eq(got.capture.max_latency_ns, 100000);
        config_dump_changes(&got, &b);
        ck_assert_ptr_nonnull(strstr(strbuf_str(&b), "/execrayd.yaml.d/20-b.yaml\n"));
        ck_assert_ptr_nonnull(strstr(strbuf_str(&b), "capture.content: 16 # of /"));
        ck_assert_ptr_null(strstr(strbuf_str(&b), "10-a.yaml"));
        leave();
}
END_TEST

START_TEST(what_is_wrong_in_any_of_the_files_is_said_of_all) {
        _cleanup_(config_done) struct config got = {};
        char other[PATH_MAX + 8];

        enter("capture:\n  ring_sise: 1M\n", 0644);
        drop_in("10-a.yaml", "- 1\n");
        drop_in("20-b.yaml", "engine: {max_runs: 1}\n");
        ck_assert_int_eq(read_all(&got), -EBADMSG);
        ck_assert_uint_eq(diags.n_errors, 3);
        snprintf(other, sizeof(other), "%s.d", path);
        ck_assert_int_eq(chmod(other, 0777), 0);
        ck_assert_int_eq(read_all(&got), -EBADMSG);
        ck_assert_str_eq(diags.list.items[diags.list.n - 1].text, "the directory is writable by everybody: refused");
        leave();
}
END_TEST

START_TEST(what_two_configurations_differ_in_is_told_key_by_key) {
        _cleanup_(config_done) struct config from = {}, to = {};
        _cleanup_(strbuf_done) struct strbuf b = {};

        enter("capture: {filter: no}\nscripts: {enrich: [a, b]}\n", 0644);
        ck_assert_int_eq(read_all(&to), 0);
        ck_assert_int_eq(config_init(CONFIG_PROFILE_BALANCED, &from), 0);
        ck_assert_uint_eq(config_dump_difference(&from, &to, &b), 2);
        ck_assert_str_eq(strbuf_str(&b), "capture.filter: yes -> no\nscripts.enrich: [] -> [\"a\", \"b\"]\n");
        ck_assert_uint_eq(config_dump_difference(&to, &to, &b), 0);
        leave();
}
END_TEST

START_TEST(a_huge_file_is_refused) {
        char *text = NULL;
        size_t n;

        enter("", 0644);
        ck_assert_int_eq(truncate(path, CONFIG_FILE_MAX + 1), 0);
        ck_assert_int_eq(config_read(path, &diags, &text, &n), -EBADMSG);
        ck_assert_str_eq(diags.list.items[0].text, "larger than 1048576 bytes");
        leave();
}
END_TEST

static int init(void *userdata) {
        struct config c = {};
        int r = config_init(CONFIG_PROFILE_BALANCED, &c);

        config_done(&c);
        return r;
}

static int parse_and_forget(void *userdata) {
        int r = parse("capture: {supervisors: [/a, /b], ring_size: 64K}\nalerts: {redact: no}\n");

        forget();
        return r;
}

START_TEST(without_memory_nothing_is_taken_over_and_nothing_leaks) {
        ck_assert_uint_ge(alloc_fail_sweep(init, NULL), 1);
        ck_assert_uint_ge(alloc_fail_sweep(parse_and_forget, NULL), 2);
}
END_TEST

UNIT_MAIN("config/config",
          without_a_word_everything_has_its_default,
          what_the_file_says_wins_and_the_rest_stays_default,
          a_profile_gives_the_defaults_of_other_keys,
          what_the_file_says_wins_over_the_profile_wherever_it_stands,
          every_optimisation_can_be_switched,
          what_can_change_the_cost_of_events_has_another_fingerprint,
          unknown_names_are_errors_with_what_was_probably_meant,
          values_of_the_wrong_form_are_errors_at_the_value,
          values_out_of_range_are_told_the_range,
          lists_are_checked_item_by_item,
          a_list_that_is_too_long_is_refused,
          what_is_not_made_of_sections_is_refused,
          every_fault_of_a_file_is_reported_in_one_go,
          a_file_is_read_if_only_its_owner_can_write_it,
          a_file_that_others_can_write_is_refused_with_the_reason,
          a_missing_file_is_no_fault_but_a_strange_one_is,
          of_drop_ins_the_last_one_counts_and_says_where_a_value_comes_from,
          what_is_wrong_in_any_of_the_files_is_said_of_all,
          what_two_configurations_differ_in_is_told_key_by_key,
          a_huge_file_is_refused,
          without_memory_nothing_is_taken_over_and_nothing_leaks)
