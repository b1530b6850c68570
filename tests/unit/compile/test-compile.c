/* SPDX-License-Identifier: Apache-2.0 */
#include "compile/compile.h"

#include "compile-fixture.h"

static const char example[] =
        "list downloaders = [\"curl\", \"wget\", \"fetch\"]\n"
        "path \"dropped_and_run\" {\n"
        "    description = \"A file is downloaded, made executable and run by the same activity\"\n"
        "    severity    = high\n"
        "    mitre       = [\"T1105\", \"T1204.002\"]\n"
        "    by          = tree\n"
        "    within      = 5m\n"
        "    respond     = [\"notify\"]\n"
        "    write  { proc.name in downloaders, $file = pathname }\n"
        "    not unlink { pathname == $file }\n"
        "    any {\n"
        "        chmod  { pathname == $file, mode & 0111 }\n"
        "        execve { argv[1] == $file }\n"
        "    }\n"
        "    execve { filename == $file }\n"
        "    except { proc.exe == \"/usr/bin/apt-get\" }\n"
        "}\n";

START_TEST(the_example_of_the_language_compiles_to_its_story) {
        struct program *program = compile(example);
        struct strbuf text = {};

        program_dump(program, &text);
        ck_assert_str_eq(strbuf_str(&text),
                         "program of 1 paths: 3 positions, 5 edges, 3 predicates, 9 conditions, 0 regexes\n"
                         "interest\n"
                         "  execve, successes\n"
                         "  write, successes\n"
                         "  unlink, successes\n"
                         "  chmod, successes\n"
                         "path \"dropped_and_run\" severity high, by tree, on_loss flag, within 5min, suppress 1min\n"
                         "  mitre \"T1105\" \"T1204.002\"\n"
                         "  respond \"notify\"\n"
                         "  0\n"
                         "    step 1 write { proc.name in [\"curl\", \"fetch\", \"wget\"] }, $file = pathname -> 1\n"
                         "  1\n"
                         "    step 2 chmod { mode & 0111 and pathname == $file } -> 2\n"
                         "    step 3 execve { argv[1] == $file } -> 2\n"
                         "    not unlink { pathname == $file }\n"
                         "  2\n"
                         "    step 4 execve { filename == $file } -> alert\n"
                         "  except { proc.exe == \"/usr/bin/apt-get\" }\n"
                         "dispatch\n"
                         "  proc.name in [\"curl\", \"fetch\", \"wget\"]: \"dropped_and_run\" step 1\n"
                         "matcher proc.name: 1 patterns, for write\n"
                         "matcher proc.exe: 1 patterns, for execve write unlink chmod\n");
        ck_assert(program->paths[0].absence);
        ck_assert_uint_eq(program->steps[program->edges[0].step].fields.n, 2);
        strbuf_done(&text);
        program_unref(program);
}
END_TEST

START_TEST(no_policies_make_an_empty_program) {
        struct program *program = compile("# nothing\n");

        ck_assert_uint_eq(program->n_paths, 0);
        ck_assert_uint_eq(program->header->interest.kinds, 0);
        program_unref(program);
}
END_TEST

START_TEST(the_same_policies_give_the_same_bytes) {
        struct program *a = compile(example), *b = compile(example);

        ck_assert_uint_eq(a->size, b->size);
        ck_assert_mem_eq(a->header, b->header, a->size);
        program_unref(a);
        program_unref(b);
}
END_TEST

static void hash_of(const char *text, const char *name, const struct compile_options *options,
                    uint8_t hash[static 16]) {
        struct program *program = compile_with(text, options);

        for (uint32_t i = 0; i < program->n_paths; i++)
                if (strcmp(program_text(program, program->paths[i].name), name) == 0) {
                        memcpy(hash, program->paths[i].hash, 16);
                        program_unref(program);
                        return;
                }
        ck_abort_msg("no path '%s'", name);
}

static bool same_hash(const char *a, const char *b) {
        uint8_t x[16], y[16];

        hash_of(a, "p", NULL, x);
        hash_of(b, "p", NULL, y);
        return memcmp(x, y, 16) == 0;
}

#define P "path \"p\" { openat { pathname == \"/a\", fd == 3 } not unlink { } chmod { } }"

START_TEST(what_does_not_change_the_meaning_does_not_change_the_hash) {
        ck_assert(same_hash(P, "# a comment\n\n" P));
        ck_assert(same_hash(P, "path \"a\" { openat { fd == 7, pathname =~ 'x[0-9]' } }\n" P));
        ck_assert(same_hash(P, "path \"p\" { description = \"words\"\n mitre = [\"T1105\"]\n"
                               "openat { fd == 3 and pathname == \"/a\" } not unlink { } chmod { } }"));
        ck_assert(same_hash(
                P, "list l = [\"/a\"]\npath \"p\" { openat { pathname in l, fd == 3 } not unlink { } chmod { } }"));
        ck_assert(same_hash("path \"p\" { openat { $f = pathname } unlink { pathname == $f } }",
                            "path \"p\" { openat { $g = pathname } unlink { pathname == $g } }"));
}
END_TEST

START_TEST(what_changes_the_meaning_changes_the_hash) {
        static const char *const others[] = {
                "path \"p\" { openat { pathname == \"/b\", fd == 3 } not unlink { } chmod { } }",
                "path \"p\" { openat { pathname == \"/a\", fd == 4 } not unlink { } chmod { } }",
                "path \"p\" { openat { pathname == \"/a\" or fd == 3 } not unlink { } chmod { } }",
                "path \"p\" { openat { pathname == \"/a\", fd == 3 } not rename { } chmod { } }",
                "path \"p\" { openat { pathname == \"/a\", fd == 3 } chmod { } }",
                "path \"p\" { openat { pathname == \"/a\", fd == 3 } .. not unlink { } chmod { } }",
                "path \"p\" { openat { pathname == \"/a\", fd == 3 } not unlink { } chmod { failed } }",
                "path \"p\" { openat { pathname == \"/a\", fd == 3, $f = pathname } not unlink { } chmod { pathname == "
                "$f } }",
                "path \"p\" { within = 1m\nopenat { pathname == \"/a\", fd == 3 } not unlink { } chmod { } }",
                "path \"p\" { by = host\nopenat { pathname == \"/a\", fd == 3 } not unlink { } chmod { } }",
                "path \"p\" { severity = critical\nopenat { pathname == \"/a\", fd == 3 } not unlink { } chmod { } }",
                "path \"p\" { suppress = 1s\nopenat { pathname == \"/a\", fd == 3 } not unlink { } chmod { } }",
                "path \"p\" { on_loss = skip\nopenat { pathname == \"/a\", fd == 3 } not unlink { } chmod { } }",
                "path \"p\" { openat { pathname == \"/a\", fd == 3 } not unlink { } chmod { } except { proc.name == "
                "\"x\" } }",
                "path \"p\" { within 5s { openat { pathname == \"/a\", fd == 3 } not unlink { } chmod { } } }",
                "path \"p\" { within 6s { openat { pathname == \"/a\", fd == 3 } not unlink { } chmod { } } }",
        };
        uint8_t hashes[sizeof(others) / sizeof(others[0]) + 1][16];
        size_t n = sizeof(others) / sizeof(others[0]);

        hash_of(P, "p", NULL, hashes[n]);
        for (size_t i = 0; i < n; i++)
                hash_of(others[i], "p", NULL, hashes[i]);
        for (size_t i = 0; i <= n; i++)
                for (size_t k = 0; k < i; k++)
                        ck_assert_msg(memcmp(hashes[i], hashes[k], 16) != 0, "%zu and %zu", i, k);
}
END_TEST

START_TEST(optimisations_do_not_change_the_hash) {
        static const struct compile_options options[] = {
                {.without = COMPILE_WITHOUT(SHARE)},
                {.without = COMPILE_WITHOUT(ORDER)},
                {.without = COMPILE_WITHOUT(MATCH)},
                {.without = COMPILE_WITHOUT(DISPATCH)},
                {.without = COMPILE_WITHOUT(SPLIT)},
                {.without = COMPILE_WITHOUT(NARROW)},
                {.without = COMPILE_WITHOUT_ALL & ~(COMPILE_WITHOUT(LOWER) | COMPILE_WITHOUT(REQUIRE))}};
        static const char text[] = "path \"p\" { openat { pathname =~ 'a[0-9]+bc', pathname == \"/a\" or (pathname == "
                                   "\"/a\" and fd == 3) } "
                                   "unlink { pathname == \"/a\" } unlink { pathname == \"/a\" } }";
        uint8_t a[16], b[16];

        hash_of(text, "p", NULL, a);
        for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
                hash_of(text, "p", &options[i], b);
                ck_assert_mem_eq(a, b, 16);
        }
}
END_TEST

START_TEST(each_pass_says_what_it_did_and_left_out_does_nothing) {
        static const char text[] = "path \"p\" { openat { pathname =~ '^/srv/', fd == 3 } "
                                   "unlink { pathname =~ '^/srv/', pathname =~ 'abc[0-9]+' } "
                                   "unlink { pathname =~ 'abc[0-9]+' or pathname == \"/x\", failed } "
                                   "openat { pathname == \"/y\" } }";
        const struct policy_options policy_options = {.trust_any_owner = true};
        struct policy_set *set = NULL;
        struct diag_set diags;

        diag_set_init(&diags, 0);
        ck_assert_int_eq(policy_set_parse("test", text, strlen(text), &policy_options, &diags, &set), 0);
        for (int left_out = -1; left_out < _COMPILE_PASS_MAX; left_out++) {
                const struct compile_options options = {.without = left_out < 0 ? 0 : UINT64_C(1) << left_out};
                struct compile_report report;
                struct program *program;

                ck_assert_int_eq(compile_with_report(set, &options, &diags, &report, &program), 0);
                for (int i = 0; i < _COMPILE_PASS_MAX; i++) {
                        const struct compile_count *count = &report.passes[i];
                        const char *name = compile_pass_info((enum compile_pass)i)->name;

                        /* DISPATCH and SPLIT live on what MATCH leaves. */
                        if (left_out == COMPILE_PASS_MATCH && i > COMPILE_PASS_MATCH)
                                break;
                        ck_assert_msg(count->given > 0, "%s had nothing to do without %d", name, left_out);
                        ck_assert_msg(count->left <= count->given, "%s leaves more than it was given", name);
                        if (i == left_out && i != COMPILE_PASS_SPLIT)
                                ck_assert_msg(count->left == count->given, "%s was not left out", name);
                        if (left_out < 0)
                                ck_assert_msg(count->left < count->given, "%s did nothing", name);
                }
                program_unref(program);
        }
        policy_set_free(set);
        diag_set_done(&diags);
}
END_TEST

START_TEST(a_pass_is_found_by_its_name) {
        for (int i = 0; i < _COMPILE_PASS_MAX; i++)
                ck_assert_int_eq(compile_pass_from_string(compile_pass_info((enum compile_pass)i)->name), i);
        ck_assert_int_eq(compile_pass_from_string("none"), -EINVAL);
}
END_TEST

/* The first message about these policies, which are refused. */
static void refused(const struct strbuf *text, size_t max_bytes, const char *said, uint32_t from_line) {
        const struct compile_options compile_options = {.max_bytes = max_bytes};
        const struct policy_options options = {.trust_any_owner = true};
        struct program *program = NULL;
        struct policy_set *set = NULL;
        struct diag_set diags;

        diag_set_init(&diags, 0);
        ck_assert_int_eq(policy_set_parse("test", text->data, text->n, &options, &diags, &set), 0);
        ck_assert_int_eq(compile_policies(set, &compile_options, &diags, &program), -EBADMSG);
        ck_assert_ptr_null(program);
        ck_assert_str_eq(diags.list.items[0].text, said);
        ck_assert_uint_ge(diags.list.items[0].span.line, from_line);
        policy_set_free(set);
        diag_set_done(&diags);
}

START_TEST(regexes_that_are_too_large_together_are_refused_where_the_last_one_stands) {
        struct strbuf text = {};

        for (unsigned i = 0; i < 1500; i++)
                strbuf_printf(&text, "path \"p%04u\" { openat { pathname =~ '([a-c][d-f]k%u){500}' } }\n", i, i);
        refused(&text, 0,
                "the regexes of the policies are too large: with this one they take more than 32 MiB compiled", 100);
        strbuf_done(&text);
}
END_TEST

/* Words of one list in many fields: the text stays small. */
START_TEST(a_program_that_is_too_large_is_refused_where_it_became_so) {
        struct strbuf text = {};

        strbuf_put(&text, "list l = [");
        for (unsigned i = 0; i < 6000; i++)
                strbuf_printf(&text, "%s\"%05u\"", i > 0 ? ", " : "", i);
        strbuf_put(&text, "]\n");
        for (unsigned i = 0; i < 100; i++)
                strbuf_printf(&text, "path \"p%03u\" { execve { argv[%u] in l } }\n", i, i);
        refused(&text, 2 << 20, "the policies are too large: up to this one they take more than 2 MiB compiled", 10);
        strbuf_done(&text);
}
END_TEST


static int attempt(void *userdata) {
        struct program *program = NULL;
        struct diag_set diags;
        int r;

        diag_set_init(&diags, 0);
        r = compile_policies(userdata, NULL, &diags, &program);
        ck_assert_uint_eq(diags.n_errors, 0);
        diag_set_done(&diags);
        program_unref(program);
        return r;
}

START_TEST(out_of_memory_at_any_moment_leaves_nothing_behind) {
        static const char text[] = "path \"p\" { within 5s { openat { pathname =~ 'x[0-9]+y/z', fd == 3 or fd in [4, "
                                   "5] } .. not chmod { } "
                                   "any { unlink { pathname glob \"/a/*b\" } unlink { pathname contains \"x\" } } } "
                                   "execve { filename in [\"/a\", \"/b\"] } ? connect { daddr in 10.0.0.0/8, $p = "
                                   "dport } : connect { $p = dport } "
                                   "except { proc.name == \"x\" } }";
        struct policy_set *set = policies_parse(text);

        ck_assert_uint_ge(alloc_fail_sweep(attempt, set), 20);
        policy_set_free(set);
}
END_TEST

START_TEST(every_path_that_is_refused_is_told) {
        struct strbuf text = {};
        struct program *program = NULL;
        struct policy_set *set;
        struct diag_set diags;

        for (unsigned p = 0; p < 2; p++) {
                strbuf_printf(&text, "path \"long%u\" {", p);
                for (unsigned i = 0; i < 129; i++)
                        strbuf_printf(&text, "  openat { pathname == \"/%u\" }\n", i);
                strbuf_put(&text, "}\n");
        }
        set = policies_parse(strbuf_str(&text));
        diag_set_init(&diags, 0);
        ck_assert_int_eq(compile_policies(set, NULL, &diags, &program), -EBADMSG);
        ck_assert_uint_eq(diags.n_errors, 2);
        ck_assert_uint_eq(diags.list.items[0].span.line, 1);
        diag_set_done(&diags);
        policy_set_free(set);
        strbuf_done(&text);
}
END_TEST

START_TEST(hundreds_of_policies_share_one_table) {
        struct strbuf text = {};
        struct program *program;

        for (unsigned i = 0; i < 500; i++)
                strbuf_printf(&text,
                              "path \"p%03u\" { openat { pathname == \"/etc/secret%u\" } execve { proc.name == \"sh\" "
                              "} connect { dport == %u } }\n",
                              i, i, i + 1);
        program = compile(strbuf_str(&text));
        ck_assert_uint_eq(program->n_paths, 500);
        ck_assert_uint_eq(program->n_matchers, 2);
        ck_assert_uint_eq(program->n_predicates, 1001);
        ck_assert_uint_eq(program->header->kind_starts[WIRE_KIND_openat].n, 0);
        ck_assert_uint_lt(program->size, 500 * 1024);
        program_unref(program);
        strbuf_done(&text);
}
END_TEST

START_TEST(a_long_list_that_many_policies_name_is_stored_once) {
        struct strbuf text = {};
        struct program *program;

        strbuf_put(&text, "list hashes = [");
        for (unsigned i = 0; i < 2000; i++)
                strbuf_printf(&text, "%s\"/bin/%u\"", i > 0 ? ", " : "", i);
        strbuf_put(&text, "]\n");
        for (unsigned i = 0; i < 200; i++)
                strbuf_printf(&text, "path \"p%03u\" { execve { filename in hashes } openat { fd == %u } }\n", i, i);
        program = compile(strbuf_str(&text));
        ck_assert_uint_eq(program->n_predicates, 201);
        ck_assert_uint_lt(program->size, 512 * 1024);
        program_unref(program);
        strbuf_done(&text);
}
END_TEST

UNIT_MAIN("compile/compile",
          the_example_of_the_language_compiles_to_its_story,
          no_policies_make_an_empty_program,
          the_same_policies_give_the_same_bytes,
          what_does_not_change_the_meaning_does_not_change_the_hash,
          what_changes_the_meaning_changes_the_hash,
          optimisations_do_not_change_the_hash, each_pass_says_what_it_did_and_left_out_does_nothing,
          a_pass_is_found_by_its_name, regexes_that_are_too_large_together_are_refused_where_the_last_one_stands,
          a_program_that_is_too_large_is_refused_where_it_became_so,
          out_of_memory_at_any_moment_leaves_nothing_behind,
          every_path_that_is_refused_is_told,
          hundreds_of_policies_share_one_table,
          a_long_list_that_many_policies_name_is_stored_once)
