/* SPDX-License-Identifier: Apache-2.0 */
#include "program/uses.h"

#include <fcntl.h>
#include <string.h>

#include "base/strbuf.h"
#include "compile/compile.h"
#include "policy/policy-set.h"

#include "unit.h"

#define SECOND UINT64_C(1000000000)

static struct prefilter *prefilter;

static void collect(const char *policy, unsigned what) {
        _cleanup_(strbuf_done) struct strbuf messages = {};
        _cleanup_(policy_set_freep) struct policy_set *set = NULL;
        struct program *program = NULL;
        struct diag_set diags;
        int r;

        diag_set_init(&diags, 0);
        r = policy_set_parse("policy", policy, strlen(policy), NULL, &diags, &set);
        policy_set_put_diags(set, &diags, &messages);
        if (r >= 0)
                r = compile_policies(set, NULL, &diags, &program);
        ck_assert_msg(r >= 0, "%.2000s", strbuf_str(&messages));
        diag_set_done(&diags);
        prefilter_free(prefilter);
        ck_assert_int_eq(uses_collect(program, what, &prefilter), 0);
        program_unref(program);
}

static const struct prefilter_kind *opens(void) {
        return &prefilter->kinds[WIRE_KIND_openat];
}

/* "=whole ^front $back", by bytes. */
static const char *texts(void) {
        static const char places[] = "=^$";
        static char buffer[4096];
        size_t n = 0;

        buffer[0] = 0;
        for (size_t i = 0; i < prefilter->texts.n; i++) {
                const struct prefilter_text *text = &prefilter->texts.items[i];

                n += snprintf(buffer + n, sizeof(buffer) - n, "%s%c%.*s", n > 0 ? " " : "", places[text->place],
                              (int)text->length, prefilter->bytes.items + text->offset);
        }
        return buffer;
}

START_TEST(what_every_event_of_a_step_must_hold_is_a_pattern) {
        collect("path \"p\" { openat { pathname == \"/a\" and flags & O_WRONLY } }\n"
                "path \"q\" { openat { (pathname startswith \"/b/\" or pathname in [\"/c\", \"/d\"]) and mode == 0 } "
                "}\n"
                "path \"r\" { openat { pathname glob \"/e/*.so\" or pathname endswith \".key\" } }\n",
                USES_FILTER);
        ck_assert_str_eq(texts(), "=/a =/c =/d ^/b/ ^/e/ $.key");
        ck_assert_int_eq(opens()->fields[PREFILTER_TEXT], FIELD_openat_pathname);
        ck_assert_uint_eq(opens()->any[PREFILTER_TEXT], 0);
        ck_assert_uint_eq(opens()->n_uses, 3);
        ck_assert(opens()->active);
}
END_TEST

START_TEST(of_two_facts_the_one_that_lets_less_through_is_the_pattern) {
        collect("path \"p\" { openat { pathname startswith \"/home/\" and pathname glob [\"**.docx\", \"**.xlsx\"] } }",
                USES_FILTER);
        ck_assert_str_eq(texts(), "$.docx $.xlsx");
        collect("path \"p\" { openat { pathname startswith \"/usr/lib/systemd/system/\" and pathname endswith \"rc\" } "
                "}",
                USES_FILTER);
        ck_assert_str_eq(texts(), "^/usr/lib/systemd/system/");
        collect("path \"p\" { openat { pathname startswith \"/etc/\" and pathname in [\"/etc/a\", \"/etc/b\"] } }",
                USES_FILTER);
        ck_assert_str_eq(texts(), "=/etc/a =/etc/b");
}
END_TEST

START_TEST(bits_that_every_event_of_a_step_needs_one_of_are_a_dimension) {
        collect("path \"p\" { openat { pathname == \"/a\" and flags & (O_WRONLY|O_RDWR) } }\n"
                "path \"q\" { openat { pathname == \"/b\" and (flags & O_CREAT or flags & O_TRUNC) } }\n"
                "path \"r\" { openat { pathname == \"/c\" and (flags & O_CREAT or mode == 0) } }\n"
                "path \"s\" { openat { pathname == \"/d\" and not (flags & O_CREAT) } }\n",
                USES_FILTER);
        ck_assert_int_eq(opens()->fields[PREFILTER_FLAGS], FIELD_openat_flags);
        ck_assert_uint_eq(opens()->flags[0].bits | opens()->flags[1].bits, O_WRONLY | O_RDWR | O_CREAT | O_TRUNC);
        ck_assert_uint_eq(opens()->flags[0].bits & opens()->flags[1].bits, 0);
        ck_assert_int_eq(__builtin_popcountll(opens()->flags[0].uses ^ opens()->flags[1].uses), 2);
        ck_assert_int_eq(__builtin_popcountll(opens()->any[PREFILTER_FLAGS]), 2);
        collect("path \"p\" { openat { created, pathname == \"/a\" } }", USES_FILTER);
        ck_assert_uint_eq(opens()->flags[0].bits, O_CREAT | 020000000);
        ck_assert_uint_eq(opens()->flags[1].bits, 0);
        collect("path \"p\" { openat { not created, pathname == \"/a\" } }", USES_FILTER);
        ck_assert_int_eq(opens()->fields[PREFILTER_FLAGS], FIELD_NONE);
        collect("path \"r\" { openat { pathname == \"/c\" } }", USES_FILTER);
        ck_assert_int_eq(opens()->fields[PREFILTER_FLAGS], FIELD_NONE);
        collect("path \"p\" { openat { pathname == \"/a\" and flags & O_WRONLY } }", 0);
        ck_assert_int_eq(opens()->fields[PREFILTER_FLAGS], FIELD_NONE);
}
END_TEST

/* Sets that are nearly alike become one where there is no room for more; each is as wide as what wants it, at least. */
START_TEST(flags_that_differ_are_sets_of_their_own_as_long_as_there_is_room) {
        static const uint64_t wanted[] = {O_WRONLY, O_CREAT, O_TRUNC, O_APPEND, O_WRONLY | O_RDWR, O_CREAT};
        uint64_t uses = 0;

        collect("path \"a\" { openat { pathname == \"/a\", flags & O_WRONLY } }\n"
                "path \"b\" { openat { pathname == \"/b\", flags & O_CREAT } }\n"
                "path \"c\" { openat { pathname == \"/c\", flags & O_TRUNC } }\n"
                "path \"d\" { openat { pathname == \"/d\", flags & O_APPEND } }\n"
                "path \"e\" { openat { pathname == \"/e\", flags & (O_WRONLY|O_RDWR) } }\n"
                "path \"f\" { openat { pathname == \"/f\", flags & O_CREAT } }\n",
                USES_FILTER);
        for (size_t i = 0; i < ELEMENTSOF(opens()->flags); i++) {
                const struct prefilter_flags *set = &opens()->flags[i];

                ck_assert_uint_eq(uses & set->uses, 0);
                uses |= set->uses;
                ck_assert_int_le(__builtin_popcountll(set->bits), 2);
                for (size_t k = 0; k < ELEMENTSOF(wanted); k++)
                        if (set->uses >> k & 1)
                                ck_assert_uint_eq(wanted[k] & ~set->bits, 0);
        }
        ck_assert_uint_eq(uses, 0x3f);
}
END_TEST

/* Without a filter all uses do. */
static uint64_t given_by(const char *policy) {
        collect(policy, USES_ARM);
        ck_assert_int_eq(__builtin_popcountll(opens()->given), opens()->n_uses);
        collect(policy, USES_FILTER);
        return opens()->given;
}

START_TEST(unit_container_and_cgroup_are_dimensions) {
        collect("path \"p\" { openat { proc.unit == \"a.service\" } }\n"
                "path \"q\" { openat { proc.container.id startswith \"0123\" } }\n"
                "path \"r\" { openat { proc.cgroup in [\"/a\", \"/b\"] } }\n"
                "path \"s\" { openat { proc.unit != \"a.service\", pathname == \"/s\" } }\n",
                USES_FILTER);
        ck_assert_str_eq(texts(), "=/s =a.service ^0123 =/a =/b");
        ck_assert_int_eq(opens()->fields[PREFILTER_IN_UNIT], FIELD_PROCESS_unit);
        ck_assert_int_eq(__builtin_popcountll(opens()->any[PREFILTER_IN_UNIT]), 3);
        ck_assert_int_eq(__builtin_popcountll(opens()->any[PREFILTER_IN_CONTAINER]), 3);
        ck_assert_int_eq(__builtin_popcountll(opens()->any[PREFILTER_IN_CGROUP]), 3);
}
END_TEST

START_TEST(uses_that_look_at_the_name_that_was_given_are_known) {
        ck_assert_uint_eq(given_by("path \"p\" { openat { pathname == \"/a\" } }"), 0);
        ck_assert_uint_eq(given_by("path \"p\" { openat { pathname == \"/a\" and not (mode == 0 or pathname.given != "
                                   "\"/a\") } }"),
                          1);
        ck_assert_uint_eq(given_by("path \"p\" { openat { pathname == \"/a\", $n = pathname.given }\n"
                                   "  execve { filename == $n } }"),
                          1);
        ck_assert_int_eq(__builtin_popcountll(given_by("path \"p\" { openat { pathname == \"/a\", $n = pathname }\n"
                                                       "  openat { pathname == \"/b\" }\n"
                                                       "  openat { pathname == \"/c\", pathname.given == $n } }")),
                         1);
        ck_assert_uint_eq(given_by("path \"p\" { openat { pathname == \"/a\" } except { pathname.given == \"/a\" } }"),
                          1);
        ck_assert_int_eq(__builtin_popcountll(given_by("path \"p\" { openat { pathname == \"/a\" } execve { }\n"
                                                       "  until openat { pathname.given == \"/b\" } }")),
                         1);
}
END_TEST

START_TEST(what_only_some_of_its_events_hold_is_none) {
        static const char *const conditions[] = {"pathname != \"/a\"",
                                                 "not pathname startswith \"/a\"",
                                                 "pathname == \"/a\" or mode == 0",
                                                 "pathname contains \"/a\"",
                                                 "pathname =~ \"a.*b\"",
                                                 "pathname glob \"/*\"",
                                                 "pathname =~ \"(?i)^/a$\"",
                                                 "pathname.given == \"/a\" or pathname == \"/a\""};

        for (size_t i = 0; i < sizeof(conditions) / sizeof(conditions[0]); i++) {
                char policy[256];

                snprintf(policy, sizeof(policy), "path \"p\" { openat { %s } }", conditions[i]);
                collect(policy, USES_FILTER);
                ck_assert_msg(opens()->any[PREFILTER_TEXT] == 1 || !opens()->active, "%s", conditions[i]);
        }
}
END_TEST

START_TEST(a_step_without_a_condition_lets_all_pass) {
        collect("path \"p\" { openat { pathname == \"/a\" } }\npath \"q\" { openat { } }", USES_FILTER);
        ck_assert_int_eq(__builtin_popcountll(opens()->any[PREFILTER_TEXT]), 1);
        collect("path \"q\" { openat { } }", USES_FILTER);
        ck_assert(!opens()->active);
}
END_TEST

START_TEST(addresses_numbers_and_users_have_dimensions_of_their_own) {
        const struct prefilter_kind *connect;

        collect("path \"p\" { connect { daddr in [\"10.0.0.0/8\"] and dport in [80, 443] and proc.euid == 0 } }",
                USES_FILTER);
        connect = &prefilter->kinds[WIRE_KIND_connect];
        ck_assert_uint_eq(prefilter->networks.n, 2);
        ck_assert_uint_eq(prefilter->networks.items[0].prefix, 8);
        ck_assert_uint_eq(prefilter->networks.items[1].prefix, 96 + 8);         /* in an address of IPv6 */
        ck_assert_uint_eq(prefilter->numbers.n, 3);
        ck_assert_int_eq(connect->fields[PREFILTER_USER], FIELD_PROCESS_euid);
        ck_assert_int_eq(connect->fields[PREFILTER_NUMBER], FIELD_connect_dport);
        ck_assert_uint_eq(
                connect->any[PREFILTER_NETWORK] | connect->any[PREFILTER_NUMBER] | connect->any[PREFILTER_USER], 0);
}
END_TEST

START_TEST(what_the_acting_process_runs_has_two) {
        collect("path \"p\" { openat { proc.exe in [\"/bin/a\", \"/bin/b\"] and proc.name endswith \"x\" } }\n"
                "path \"q\" { openat { parent.exe == \"/bin/c\" and proc.exe glob \"/opt/**\" } }\n",
                USES_FILTER);
        ck_assert_str_eq(texts(), "=/bin/a =/bin/b ^/opt/ $x");
        ck_assert_int_eq(opens()->fields[PREFILTER_EXE], FIELD_PROCESS_exe);
        ck_assert_int_eq(opens()->fields[PREFILTER_NAME], FIELD_PROCESS_name);
        ck_assert_uint_eq(opens()->any[PREFILTER_EXE], 0);
        ck_assert_int_eq(__builtin_popcountll(opens()->any[PREFILTER_NAME]), 1);
}
END_TEST

START_TEST(an_executable_of_many_kinds_is_one_pattern) {
        _cleanup_(strbuf_done) struct strbuf policy = {};

        for (unsigned i = 0; i < 3; i++) {
                static const char *const kinds[] = {"openat", "unlink", "connect"};

                strbuf_printf(&policy, "path \"p%u\" { %s { proc.name in [", i, kinds[i]);
                for (unsigned k = 0; k < 400; k++)
                        strbuf_printf(&policy, "%s\"tool-%u\"", k > 0 ? ", " : "", k);
                strbuf_put(&policy, "] } }\n");
        }
        collect(strbuf_str(&policy), USES_FILTER);
        ck_assert(opens()->active && prefilter->kinds[WIRE_KIND_connect].active);
        ck_assert_uint_eq(prefilter->texts.n, 1200);

        for (unsigned k = 0; k < PREFILTER_MAX_CLASSES; k++)
                strbuf_printf(&policy, "path \"r%u\" { mkdir { proc.exe == \"/bin/%u\" } }\n", k, 10000 + k);
        collect(strbuf_str(&policy), USES_FILTER);
        ck_assert(opens()->active && !prefilter->kinds[WIRE_KIND_mkdir].active);
}
END_TEST

static uint64_t urgent(enum wire_kind kind) {
        return prefilter->kinds[kind].urgent;
}

START_TEST(what_may_end_a_story_is_urgent) {
        collect("path \"p\" { openat { pathname == \"/a\" }  unlink { } }", USES_FILTER | USES_ARM);
        ck_assert_uint_eq(urgent(WIRE_KIND_openat), 0);
        ck_assert_uint_eq(urgent(WIRE_KIND_unlink), 1);

        /* Of each kind the uses that do, and no others. */
        collect("path \"p\" { openat { pathname == \"/a\" }  openat { pathname == \"/b\" } }", USES_FILTER);
        ck_assert_uint_eq(opens()->n_uses, 2);
        ck_assert_int_eq(__builtin_popcountll(urgent(WIRE_KIND_openat)), 1);
        collect("path \"p\" { openat { pathname == \"/a\" } }\n"
                "path \"q\" { openat { pathname == \"/a\" }  unlink { } }", USES_FILTER);
        ck_assert_uint_eq(urgent(WIRE_KIND_openat), (UINT64_C(1) << opens()->n_uses) - 1);
}
END_TEST

START_TEST(what_is_counted_is_urgent_if_a_few_are_enough) {
        collect("path \"p\" { openat { }  repeat 3 { unlink { } } }", USES_FILTER);
        ck_assert_uint_ne(urgent(WIRE_KIND_unlink), 0);
        ck_assert_uint_eq(prefilter->kinds[WIRE_KIND_unlink].soon, 0);
        collect("path \"p\" { openat { }  repeat 100 { unlink { } } }", USES_FILTER);
        ck_assert_uint_eq(urgent(WIRE_KIND_unlink), 0);
        ck_assert_uint_eq(prefilter->kinds[WIRE_KIND_unlink].soon, 1);
        ck_assert_uint_eq(prefilter->kinds[WIRE_KIND_openat].soon, 0);
        collect("path \"p\" { repeat 100 { unlink { } }  openat { } }", USES_FILTER);
        ck_assert_uint_eq(prefilter->kinds[WIRE_KIND_unlink].soon, 0);
}
END_TEST

START_TEST(a_step_with_a_response_of_its_own_is_urgent) {
        collect("path \"p\" { openat { pathname == \"/a\" }  unlink { }  mkdir { }  on step 2 respond \"snapshot\" }",
                USES_FILTER | USES_ARM);
        ck_assert_uint_eq(urgent(WIRE_KIND_openat), 0);
        ck_assert_uint_eq(urgent(WIRE_KIND_unlink), 1);
        collect("path \"p\" { openat { }  repeat 100 { unlink { } }  mkdir { }  on step 2 respond \"snapshot\" }", 0);
        ck_assert_uint_eq(urgent(WIRE_KIND_unlink), 1);
}
END_TEST

/* The kernel is told of the story then. */
START_TEST(with_enforce_the_step_before_the_last_is_urgent) {
        collect("path \"p\" { by = process  unlink { }  mkdir { }  connect { dport == 80 } }", USES_ARM);
        ck_assert_uint_eq(urgent(WIRE_KIND_unlink) | urgent(WIRE_KIND_mkdir), 0);
        ck_assert_uint_eq(urgent(WIRE_KIND_connect), 1);

        collect("path \"p\" { enforce = kill  by = process  unlink { }  mkdir { }  connect { dport == 80 } }",
                USES_ARM);
        ck_assert_uint_eq(urgent(WIRE_KIND_unlink), 0);
        ck_assert_uint_eq(urgent(WIRE_KIND_mkdir) & urgent(WIRE_KIND_connect), 1);

        collect("path \"p\" { enforce = kill  by = process  repeat 100 { unlink { } }  connect { dport == 80 } }",
                USES_ARM);
        ck_assert_uint_eq(urgent(WIRE_KIND_unlink), 0);
        ck_assert_uint_eq(prefilter->kinds[WIRE_KIND_unlink].soon, 1);
        ck_assert_uint_eq(urgent(WIRE_KIND_connect), 1);
        collect("path \"p\" { enforce = kill  by = process  repeat 3 { unlink { } }  connect { dport == 80 } }",
                USES_ARM);
        ck_assert_uint_eq(urgent(WIRE_KIND_unlink), 1);
}
END_TEST

START_TEST(what_is_urgent_is_said_without_filters_and_of_kinds_that_have_none) {
        collect("path \"p\" { openat { pathname == \"/a\" }  unshare { } }\npath \"q\" { unlink { } }", 0);
        ck_assert(!opens()->active);
        ck_assert_uint_eq(urgent(WIRE_KIND_openat), 0);
        ck_assert_uint_eq(urgent(WIRE_KIND_unlink), 1);
        ck_assert_uint_eq(urgent(WIRE_KIND_unshare), UINT64_MAX);
}
END_TEST

START_TEST(first_steps_arm_the_kinds_that_follow) {
        collect("path \"p\" { within = 7s  openat { pathname == \"/a\" }  unlink { }  mkdir { } }", USES_ARM);
        ck_assert_uint_eq(opens()->first, 1);
        ck_assert_uint_eq(opens()->arms[0].kinds, wire_kind_bit(WIRE_KIND_unlink) | wire_kind_bit(WIRE_KIND_mkdir));
        ck_assert_uint_eq(opens()->arms[0].horizon_ns, 7 * SECOND);
        ck_assert_int_eq(opens()->arms[0].key, PREFILTER_TREE);
        ck_assert_uint_eq(prefilter->kinds[WIRE_KIND_unlink].first, 0);
        ck_assert_uint_eq(prefilter->kinds[WIRE_KIND_unlink].arms[0].kinds, 0);         /* time counts from the first */
        ck_assert_uint_eq(prefilter->longest_ns, 7 * SECOND);

        collect("path \"p\" { by = user  openat { }  unlink { } }", USES_ARM);
        ck_assert_int_eq(opens()->arms[0].key, PREFILTER_OF_USER);
        collect("path \"p\" { by = descent  openat { }  unlink { } }", USES_ARM);
        ck_assert_int_eq(opens()->arms[0].key, PREFILTER_DESCENT);
        collect("path \"p\" { by = container  openat { }  unlink { } }\npath \"q\" { by = unit  openat { }  unlink { } "
                "}",
                USES_ARM);
        ck_assert_int_ne(opens()->arms[0].key, opens()->arms[1].key);
        collect("path \"p\" { by = host  openat { }  unlink { } }", USES_ARM);
        ck_assert_int_eq(opens()->arms[0].key, PREFILTER_HOST);
}
END_TEST

/* Without any condition, and whatever else looks at the kind. */
START_TEST(a_story_may_begin_with_any_kind_that_the_programs_tell) {
        unsigned n = 0;

        for (unsigned kind = 0; kind < _WIRE_KIND_MAX; kind++) {
                const struct kind_info *info = schema_kind((enum wire_kind)kind);
                const struct prefilter_kind *begins;
                char policy[512];

                if (!info || info->class != EVENT_EVENT || kind == WIRE_KIND_write)
                        continue;
                snprintf(policy, sizeof(policy),
                         "path \"p\" { within = 9s  %s { }  write { } }\n"
                         "path \"q\" { %s { proc.uid == 7 } }\n",
                         info->name, info->name);
                collect(policy, USES_FILTER | USES_ARM);
                begins = &prefilter->kinds[kind];
                if (!begins->active) {
                        /* Not told by the programs: then what follows is not left out. */
                        ck_assert_msg(prefilter->kinds[WIRE_KIND_write].first != 0 ||
                                              !prefilter->kinds[WIRE_KIND_write].active,
                                      "%s", info->name);
                        continue;
                }
                n++;
                ck_assert_msg(prefilter->kinds[WIRE_KIND_write].first == 0, "%s", info->name);
                ck_assert_msg(begins->arms[0].kinds == wire_kind_bit(WIRE_KIND_write) ||
                                      begins->arms[1].kinds == wire_kind_bit(WIRE_KIND_write),
                              "%s arms nothing", info->name);
        }
        ck_assert_uint_ge(n, 40);
        collect("path \"p\" { memfd_create { }  write { } }", USES_FILTER | USES_ARM);
        ck_assert_uint_eq(prefilter->kinds[WIRE_KIND_memfd_create].first, 1);
        ck_assert_uint_eq(prefilter->kinds[WIRE_KIND_memfd_create].arms[0].kinds, wire_kind_bit(WIRE_KIND_write));
}
END_TEST

START_TEST(what_ends_a_story_or_must_not_happen_is_armed_too) {
        collect("path \"p\" { openat { pathname == \"/a\" }  no unlink { } within 2s }", USES_ARM);
        ck_assert_uint_eq(opens()->arms[0].kinds, wire_kind_bit(WIRE_KIND_unlink));
        collect("path \"p\" { until chmod { }  openat { pathname == \"/a\" }  unlink { } }", USES_ARM);
        ck_assert_uint_eq(opens()->arms[0].kinds, wire_kind_bit(WIRE_KIND_unlink) | wire_kind_bit(WIRE_KIND_chmod));
        ck_assert_uint_eq(prefilter->kinds[WIRE_KIND_chmod].first, 0);
}
END_TEST

/* What the daemon tells itself passes no filter. */
START_TEST(a_story_that_the_kernel_does_not_see_begin_does_not_wait) {
        collect("path \"p\" { by = unit  unit { }  unlink { } }", USES_ARM);
        ck_assert(!prefilter->kinds[WIRE_KIND_unlink].active);
        collect("path \"p\" { exit { }  unlink { } }", USES_ARM);
        ck_assert(!prefilter->kinds[WIRE_KIND_unlink].active);
}
END_TEST

START_TEST(more_uses_than_bits_are_taken_together_by_what_they_look_at) {
        _cleanup_(strbuf_done) struct strbuf policy = {};

        for (unsigned i = 0; i < 100; i++)
                strbuf_printf(&policy, "path \"p%u\" { openat { pathname == \"/%u\" } }\n", i, 100 + i);
        collect(strbuf_str(&policy), USES_FILTER);
        ck_assert_uint_eq(prefilter->texts.n, 100);
        ck_assert_uint_eq(opens()->any[PREFILTER_TEXT], 0);
        ck_assert_uint_le(opens()->n_uses, PREFILTER_MAX_USES);
        ck_assert(opens()->active);
}
END_TEST

/* Otherwise each event that some story of one step looks at would arm the stories of all others, on the whole host. */
START_TEST(taken_together_are_only_those_that_arm_alike) {
        _cleanup_(strbuf_done) struct strbuf policy = {};
        unsigned arming = 0;

        for (unsigned i = 0; i < 100; i++)
                strbuf_printf(&policy, "path \"p%u\" { openat { pathname == \"/%u\" } }\n", i, 100 + i);
        strbuf_printf(&policy, "path \"t\" { by = tree within = 1m  openat { pathname == \"/t\" }  unlink { } }\n");
        strbuf_printf(&policy, "path \"u\" { by = user within = 1h  openat { pathname == \"/u\" }  unlink { } }\n");
        collect(strbuf_str(&policy), USES_FILTER | USES_ARM);
        for (uint32_t i = 0; i < opens()->n_uses; i++) {
                if (opens()->arms[i].kinds == 0)
                        continue;
                arming++;
                ck_assert(opens()->arms[i].key == PREFILTER_TREE ? opens()->arms[i].horizon_ns == 60000000000
                                                                 : opens()->arms[i].key == PREFILTER_OF_USER);
        }
        ck_assert_uint_eq(arming, 2);
        ck_assert_uint_eq(opens()->n_uses, 3);
}
END_TEST

START_TEST(a_long_pattern_is_cut_to_where_it_begins_or_ends) {
        char policy[1024], name[401];

        memset(name, 'x', 400);
        name[400] = 0;
        snprintf(policy, sizeof(policy), "path \"p\" { openat { pathname == \"/%s\" or pathname endswith \"%s\" } }",
                 name, name);
        collect(policy, USES_FILTER);
        ck_assert_uint_eq(prefilter->texts.n, 2);
        ck_assert_int_eq(prefilter->texts.items[0].place, PREFILTER_FRONT);
        ck_assert_uint_eq(prefilter->texts.items[0].length, PREFILTER_MAX_TEXT);
        ck_assert_int_eq(prefilter->texts.items[1].place, PREFILTER_BACK);
        ck_assert_uint_eq(prefilter->texts.items[1].length, PREFILTER_MAX_TAIL);
}
END_TEST

UNIT_MAIN("program/uses",
          what_every_event_of_a_step_must_hold_is_a_pattern,
          of_two_facts_the_one_that_lets_less_through_is_the_pattern,
          bits_that_every_event_of_a_step_needs_one_of_are_a_dimension,
          flags_that_differ_are_sets_of_their_own_as_long_as_there_is_room,
          unit_container_and_cgroup_are_dimensions,
          uses_that_look_at_the_name_that_was_given_are_known,
          what_only_some_of_its_events_hold_is_none,
          a_step_without_a_condition_lets_all_pass,
          addresses_numbers_and_users_have_dimensions_of_their_own,
          what_the_acting_process_runs_has_two,
          an_executable_of_many_kinds_is_one_pattern,
          what_may_end_a_story_is_urgent,
          what_is_counted_is_urgent_if_a_few_are_enough,
          a_step_with_a_response_of_its_own_is_urgent,
          with_enforce_the_step_before_the_last_is_urgent,
          what_is_urgent_is_said_without_filters_and_of_kinds_that_have_none,
          first_steps_arm_the_kinds_that_follow,
          a_story_may_begin_with_any_kind_that_the_programs_tell,
          what_ends_a_story_or_must_not_happen_is_armed_too,
          a_story_that_the_kernel_does_not_see_begin_does_not_wait,
          more_uses_than_bits_are_taken_together_by_what_they_look_at,
          taken_together_are_only_those_that_arm_alike,
          a_long_pattern_is_cut_to_where_it_begins_or_ends)
