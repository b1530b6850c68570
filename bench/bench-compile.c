/* SPDX-License-Identifier: Apache-2.0 */
/* What it costs to turn policies into a program, and to match one path against all of them.
 *
 *      compile_us_per_policy   text to verified program, one policy of three steps by itself
 *      compile_back_us         of that, from the checked tree on
 *      compile_ms_p100, _p500  text to verified program, so many policies at once
 *      compile_back_ms_p500    of that, from the checked tree on
 *      program_kb_p500         size of the program
 *      matcher_ns_p10, _p500   one path against the first steps of so many policies
 *      matcher_cut_ns_p500     the same for a path of which only the beginning is known
 *      compile_allocs_p500     allocations of compile_policies() */
#include "alloc-fail.h"
#include "base/strbuf.h"
#include "compile/compile.h"
#include "measure.h"
#include "program/matcher.h"

static struct measure whole, back;

static void put_policy(struct strbuf *b, unsigned i) {
        strbuf_printf(b, "path \"policy_%03u\" {\n    severity = high\n    mitre = [\"T1105\"]\n    within = 5m\n", i);
        switch (i % 4) {
        case 0:
                strbuf_printf(b, "    write  { proc.name in [\"curl\", \"wget\", \"fetch%u\"], $file = pathname }\n",
                              i);
                strbuf_put(b, "    not unlink { pathname == $file }\n    any {\n        chmod  { pathname == $file, "
                              "mode & 0111 }\n");
                strbuf_put(b, "        execve { argv[1] == $file }\n    }\n    execve { filename == $file }\n");
                break;
        case 1:
                strbuf_printf(b, "    openat { pathname =~ '^/etc/(passwd|shadow|secret%u)$' }\n", i);
                strbuf_printf(b, "    execve { filename glob \"/tmp/*/tool%u\" }\n", i);
                strbuf_put(b, "    connect { daddr in 203.0.113.0/24, dport != 443 }\n");
                break;
        case 2:
                strbuf_printf(b, "    openat { pathname startswith \"/srv/data%u/\", flags & O_WRONLY }\n", i);
                strbuf_put(b, "    write { pathname =~ '\\.(sh|py|pl|rb)$' }\n    chmod { mode & S_ISUID }\n");
                break;
        default:
                strbuf_printf(b, "    execve { filename == \"/usr/bin/tool%u\", any argv contains \"-e\" }\n", i);
                strbuf_printf(
                        b,
                        "    openat { pathname =~ '/x[0-9]+/key%u' }\n    rename { newpath endswith \".locked%u\" }\n",
                        i, i);
        }
        strbuf_put(b, "    except { proc.exe == \"/usr/bin/apt-get\" }\n}\n");
}

static struct policy_set *parse(const struct strbuf *text) {
        const struct policy_options options = {.default_within_ns = UINT64_C(600000000000), .trust_any_owner = true};
        struct policy_set *set = NULL;
        struct strbuf messages = {};
        struct diag_set diags;

        diag_set_init(&diags, 0);
        if (policy_set_parse("bench", text->data, text->n, &options, &diags, &set) < 0) {
                policy_set_put_diags(set, &diags, &messages);
                fputs(strbuf_str(&messages), stderr);
                exit(EXIT_FAILURE);
        }
        diag_set_done(&diags);
        return set;
}

static struct program *compile(const struct policy_set *set) {
        struct program *program;
        struct diag_set diags;

        diag_set_init(&diags, 0);
        if (compile_policies(set, NULL, &diags, &program) < 0)
                exit(EXIT_FAILURE);
        diag_set_done(&diags);
        return program;
}

/* Policies [first, first + n); figures per policy. */
static void measure_policies(unsigned first, unsigned n, unsigned n_rounds) {
        struct strbuf text = {};

        whole.n = back.n = 0;
        for (unsigned i = 0; i < n_rounds; i++) {
                struct program *program;
                struct policy_set *set;
                uint64_t start, middle;

                strbuf_clear(&text);
                for (unsigned k = 0; k < n; k++)
                        put_policy(&text, n == 1 ? first + i : first + k);
                start = measure_now_ns();
                set = parse(&text);
                middle = measure_now_ns();
                program = compile(set);
                measure_add(&whole, start, n);
                measure_add(&back, middle, n);
                MEASURE_KEEP(program);
                program_unref(program);
                policy_set_free(set);
        }
        strbuf_done(&text);
}

static void on_hit(uint32_t pattern, void *data) {
        *(uint64_t *)data += pattern;
}

static double matcher_ns(const struct program *program, unsigned n_rounds, bool cut) {
        static const char *const paths[] = {
                "/usr/lib/x86_64-linux-gnu/libc.so.6",
                "/etc/passwd",
                "/proc/self/maps",
                "/home/eve/.cache/mesa_shader_cache/index",
                "/srv/data2/table.db",
                "/usr/share/zoneinfo/Europe/Berlin",
                "/tmp/build-1234/obj/x.o",
                "/dev/null",
        };
        static struct measure m;
        uint64_t sum = 0;
        struct matcher_sink sink = {.on_match = on_hit, .on_open = on_hit, .data = &sink.data};
        const struct matcher_ref *matcher = NULL;

        for (uint32_t i = 0; i < program->n_matchers; i++)
                if (program->matchers[i].field == FIELD_openat_pathname && !matcher)
                        matcher = &program->matchers[i];
        if (!matcher)
                return 0;

        m.n = 0;
        sink.data = &sum;
        for (unsigned i = 0; i < n_rounds; i++) {
                uint64_t start = measure_now_ns();

                for (unsigned k = 0; k < 100; k++) {
                        const char *path = paths[k % 8];

                        matcher_run(program_text(program, matcher->table), path, strlen(path), cut, &sink);
                }
                measure_add(&m, start, 100);
        }
        MEASURE_KEEP(sum);
        return measure_median(&m);
}

static void measure_matchers(unsigned n, unsigned n_rounds) {
        struct strbuf text = {};
        struct policy_set *set;
        struct program *program;
        size_t n_allocations;
        char key[64];

        for (unsigned i = 0; i < n; i++)
                put_policy(&text, i);
        set = parse(&text);
        n_allocations = alloc_count();
        program = compile(set);
        n_allocations = alloc_count() - n_allocations;

        snprintf(key, sizeof(key), "matcher_ns_p%u", n);
        measure_print(key, matcher_ns(program, n_rounds, false));
        if (n == 500) {
                measure_print("matcher_cut_ns_p500", matcher_ns(program, n_rounds, true));
                measure_print("program_kb_p500", program->size / 1024.0);
                measure_print("compile_allocs_p500", n_allocations);
        }
        program_unref(program);
        policy_set_free(set);
        strbuf_done(&text);
}

int main(int argc, char **argv) {
        bool quick = measure_is_quick(argc, argv);

        measure_policies(0, 1, quick ? 200 : 2000);
        measure_print("compile_us_per_policy", measure_median(&whole) / 1000);
        measure_print("compile_back_us", measure_median(&back) / 1000);

        measure_policies(0, 100, quick ? 10 : 50);
        measure_print("compile_ms_p100", measure_median(&whole) * 100 / 1000000);
        measure_policies(0, 500, quick ? 5 : 25);
        measure_print("compile_ms_p500", measure_median(&whole) * 500 / 1000000);
        measure_print("compile_back_ms_p500", measure_median(&back) * 500 / 1000000);

        measure_matchers(10, quick ? 500 : 5000);
        measure_matchers(500, quick ? 500 : 5000);
        return EXIT_SUCCESS;
}
