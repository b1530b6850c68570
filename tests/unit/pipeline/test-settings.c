/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/settings.h"

#include "../unit.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "pipeline/compile-worker.h"

static const char good[] =
        "path \"p\" {\n    description = \"x\"\n    severity = low\n    openat { pathname == \"/x\" }\n}\n";

static char directory[64];
static struct strbuf messages;
static struct settings settings;

static const char *write_file(const char *name, const char *text) {
        static char path[4][256];
        static int n;
        char *result = path[n++ % 4];
        FILE *f;

        snprintf(result, sizeof(path[0]), "%s/%s", directory, name);
        f = fopen(result, "w");
        ck_assert_ptr_nonnull(f);
        fputs(text, f);
        fclose(f);
        chmod(result, 0644);
        return result;
}

static void begin(void) {
        strcpy(directory, "/tmp/execray-settings-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(directory));
}

static void end(void) {
        char command[300];

        settings_done(&settings);
        strbuf_done(&messages);
        snprintf(command, sizeof(command), "rm -rf %s", directory);
        ck_assert_int_eq(system(command), 0);
}

static int load(const char *config, const char *policy) {
        struct settings_options options = {
                .config = config,
                .places = &policy,
                .n_places = policy ? 1 : 0,
                .no_policies = !policy,
                .generation = 7,
        };

        return settings_load(&options, &messages, &settings);
}

START_TEST(what_is_right_gives_all_parts) {
        begin();
        ck_assert_int_eq(load(write_file("c.yaml", "alerts:\n  min_severity: high\n"), write_file("p.policy", good)),
                         0);
        ck_assert_int_eq(settings.config.alerts.min_severity, CONFIG_SEVERITY_HIGH);
        ck_assert_ptr_nonnull(settings.redactor);
        ck_assert_uint_eq(settings.program->n_paths, 1);
        ck_assert_uint_eq(settings.program->header->generation, 7);
        ck_assert_uint_eq(settings.n_files, 1);
        ck_assert_str_eq(strbuf_str(&messages), "");
        end();
}
END_TEST

START_TEST(a_wrong_policy_gives_its_place_and_nothing_else) {
        begin();
        ck_assert_int_eq(load(NULL, write_file("p.policy", "path \"p\" {\n    opnat { }\n}\n")), EXIT_STATUS_POLICIES);
        ck_assert_ptr_nonnull(strstr(strbuf_str(&messages), "p.policy:2:5: error"));
        ck_assert_ptr_nonnull(strstr(strbuf_str(&messages), "|     opnat"));
        ck_assert_ptr_null(settings.program);
        ck_assert(!settings.has_config);
        end();
}
END_TEST

START_TEST(a_wrong_configuration_ends_it_before_the_policies) {
        begin();
        ck_assert_int_eq(load(write_file("c.yaml", "nonsense: 1\n"), write_file("p.policy", "also nonsense")),
                         EXIT_STATUS_CONFIG);
        ck_assert_ptr_nonnull(strstr(strbuf_str(&messages), "c.yaml:1:1: error"));
        ck_assert_ptr_null(strstr(strbuf_str(&messages), "p.policy"));
        end();
}
END_TEST

START_TEST(a_missing_configuration_is_an_error_only_where_it_was_named) {
        struct settings_options options = {.config = "/nonexistent/c.yaml", .no_policies = true};

        begin();
        ck_assert_int_eq(load("/nonexistent/c.yaml", NULL), EXIT_STATUS_CONFIG);
        options.config_may_miss = true;
        ck_assert_int_eq(settings_load(&options, &messages, &settings), 0);
        ck_assert_ptr_null(settings.program);
        end();
}
END_TEST

START_TEST(no_policies_at_all_is_an_error) {
        begin();
        ck_assert_int_eq(load(NULL, directory), EXIT_STATUS_POLICIES);
        ck_assert_ptr_nonnull(strstr(strbuf_str(&messages), "--policies"));
        end();
}
END_TEST

START_TEST(names_in_a_message_cannot_forge_a_line) {
        begin();
        ck_assert_int_eq(load("/nonexistent/\nerror: all is well\x1b[2J", NULL), EXIT_STATUS_CONFIG);
        ck_assert_ptr_null(strstr(strbuf_str(&messages), "\nerror: all is well"));
        ck_assert_ptr_null(strchr(strbuf_str(&messages), 0x1b));
        end();
}
END_TEST

/* As the daemon does it: another process compiles. */
static int load_apart(const char *config, const char *policy) {
        struct settings_options options = {.config = config, .places = &policy, .n_places = 1, .generation = 7};
        struct compile_job *job;
        int status;

        status = settings_begin(&options, &messages, &settings, &job);
        if (status != 0)
                return status;
        ck_assert_ptr_nonnull(settings.redactor);
        ck_assert_ptr_null(settings.program);
        compile_job_wait(job);
        return settings_finish(&settings, job, &messages);
}

START_TEST(another_process_compiles_to_the_same_program) {
        _cleanup_(freep) char *block = NULL;
        const char *policy;
        size_t size;

        begin();
        policy = write_file("p.policy", good);
        ck_assert_int_eq(load(NULL, policy), 0);
        size = settings.program->size;
        block = malloc(size);
        memcpy(block, settings.program->header, size);
        settings_done(&settings);

        ck_assert_int_eq(load_apart(NULL, policy), 0);
        ck_assert_uint_eq(settings.program->size, size);
        ck_assert_mem_eq(settings.program->header, block, size);
        ck_assert_uint_eq(settings.n_files, 1);
        end();
}
END_TEST

/* Something for each pass to do. */
static const char every_pass[] = "path \"p\" {\n    description = \"x\"\n    severity = low\n"
                                 "    openat { pathname =~ \"^/a/\" }\n"
                                 "    execve { filename =~ \"/b+/needle/c*d$\" and argc == 1 }\n"
                                 "    openat { pathname =~ \"x[0-9]+y\" and flags & O_CREAT }\n}\n"
                                 "path \"q\" {\n    description = \"x\"\n    severity = low\n"
                                 "    openat { pathname == \"/c\" }\n"
                                 "    openat { pathname endswith \".d\" and pathname == \"/c\" }\n}\n";

static void take_program(char **ret, size_t *ret_size) {
        *ret_size = settings.program->size;
        *ret = malloc(*ret_size);
        memcpy(*ret, settings.program->header, *ret_size);
        settings_done(&settings);
}

static bool is_program(const char *block, size_t size) {
        return settings.program->size == size && memcmp(settings.program->header, block, size) == 0;
}

START_TEST(each_pass_of_the_compiler_can_be_left_out_by_the_configuration) {
        static const struct {
                const char *key;
                uint64_t without;
        } passes[] = {
#define COMPILER_PASS(key, pass) {#key, COMPILE_WITHOUT(pass)},
#include "config/optimisations.def"
        };
        _cleanup_(freep) char *whole = NULL;
        const char *config, *policy;
        char text[64], place[128];
        size_t n_whole, n;

        begin();
        policy = strcpy(place, write_file("p.policy", every_pass));
        ck_assert_int_eq(load(NULL, policy), 0);
        take_program(&whole, &n_whole);
        for (size_t i = 0; i < ELEMENTSOF(passes); i++) {
                struct settings_options options = {
                        .places = &policy, .n_places = 1, .generation = 7, .compile.without = passes[i].without};
                _cleanup_(freep) char *without = NULL;

                ck_assert_int_eq(settings_load(&options, &messages, &settings), 0);
                ck_assert_msg(!is_program(whole, n_whole), "%s does nothing", passes[i].key);
                take_program(&without, &n);

                snprintf(text, sizeof(text), "compiler: {%s: no}\n", passes[i].key);
                config = write_file("c.yaml", text);
                ck_assert_int_eq(load(config, policy), 0);
                ck_assert_msg(is_program(without, n), "%s", passes[i].key);
                settings_done(&settings);
                if (i > 0)
                        continue;
                ck_assert_int_eq(load_apart(config, policy), 0);
                ck_assert(is_program(without, n));
                settings_done(&settings);
        }
        end();
}
END_TEST

START_TEST(another_process_says_the_same_about_what_is_wrong) {
        _cleanup_(freep) char *said = NULL;
        const char *policy;

        begin();
        policy = write_file("p.policy", "path \"p\" {\n    opnat { }\n    openat { pathnam == \"\\x1b[2J\" }\n}\n");
        ck_assert_int_eq(load(NULL, policy), EXIT_STATUS_POLICIES);
        said = strdup(strbuf_str(&messages));
        strbuf_clear(&messages);
        ck_assert_int_eq(load_apart(NULL, policy), EXIT_STATUS_POLICIES);
        ck_assert_str_eq(strbuf_str(&messages), said);
        ck_assert(!settings.has_config);
        end();
}
END_TEST

int main(int argc, char **argv) {
        const TTest *const tests[] = {
                what_is_right_gives_all_parts,
                a_wrong_policy_gives_its_place_and_nothing_else,
                a_wrong_configuration_ends_it_before_the_policies,
                a_missing_configuration_is_an_error_only_where_it_was_named,
                no_policies_at_all_is_an_error,
                names_in_a_message_cannot_forge_a_line,
                another_process_compiles_to_the_same_program,
                each_pass_of_the_compiler_can_be_left_out_by_the_configuration,
                another_process_says_the_same_about_what_is_wrong,
        };

        if (argc == 1 && streq(argv[0], COMPILE_WORKER_NAME))
                _exit(compile_worker_run(STDIN_FILENO, STDOUT_FILENO));
        return unit_run("pipeline/settings", tests, ELEMENTSOF(tests));
}
