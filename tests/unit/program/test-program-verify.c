/* SPDX-License-Identifier: Apache-2.0 */
#include "program/program-verify.h"

#include <errno.h>
#include <string.h>

#include "base/strbuf.h"
#include "program-builder.h"
#include "program/program-dump.h"
#include "unit.h"

#define PATHNAME WIRE_FIELD_openat_pathname

/* A program with one of everything. */
static void build(struct builder *b) {
        uint32_t left, right, window;

        builder_init(b);
        builder_path(b, "a");
        builder_position(b);
        builder_step(b, WIRE_KIND_openat, builder_text(b, PREDICATE_STRING, PATHNAME, "/a"), 1);
        builder_capture(b, "$f", PATHNAME);
        window = builder_block(b, "w", 1000, 1, PROGRAM_NONE, 0);
        builder_position(b);
        builder_step(b, WIRE_KIND_chmod, builder_number(b, PREDICATE_BITS_ANY, WIRE_FIELD_chmod_mode, 0111), 2)->block =
                window;
        builder_kill(b, WIRE_KIND_unlink, builder_guard(b, WIRE_FIELD_unlink_pathname, 0));
        builder_position(b)->block = window;
        left = builder_guard(b, WIRE_FIELD_execve_filename, 0);
        right = builder_not(b, builder_regex(b, WIRE_FIELD_execve_filename, "x"));
        builder_step(b, WIRE_KIND_execve, builder_or(b, left, right), POSITION_ACCEPT)->block = window;
        builder_again(b, WIRE_KIND_chmod, builder_true(b), 1);
        builder_except(b, builder_text(b, PREDICATE_SUFFIX, FIELD_PROCESS_exe, "apt"), 0);
        builder_path(b, "b");
        builder_position(b);
        builder_step(b, WIRE_KIND_execve, builder_text(b, PREDICATE_CONTAINS, WIRE_FIELD_execve_argv, "-i"),
                     POSITION_ACCEPT);

        builder_path(b, "c");
        builder_position(b);
        builder_count(b, WIRE_KIND_connect, builder_true(b), 1, 5, 1000, WIRE_FIELD_connect_dport);
        builder_position(b);
        builder_kill(b, WIRE_KIND_exit, builder_ancestor(b, builder_predicate(b, (struct predicate){
                                                                                         .field = FIELD_PROCESS_pid,
                                                                                         .subject = SUBJECT_EACH,
                                                                                         .op = PREDICATE_EQUAL,
                                                                                         .index = INDEX_NONE,
                                                                                         .number = 7,
                                                                                 })));
        builder_absence(b, WIRE_KIND_exit, 500, POSITION_ACCEPT);
        builder_until(b, WIRE_KIND_unlink, builder_true(b), 0);

        builder_path(b, "d");
        builder_score(b, 50, 1, 1000);
        builder_position(b);
        builder_points(b, WIRE_KIND_openat, builder_true(b), 10);
        builder_points(b, WIRE_KIND_chmod, builder_true(b), 45);
}

static void *build_block(size_t *ret_size) {
        struct builder b;

        build(&b);
        return builder_finish_block(&b, ret_size);
}

START_TEST(a_program_with_one_of_everything_is_accepted) {
        struct program *program;
        const char *where = "";
        size_t size;
        void *block = build_block(&size);

        ck_assert_msg(program_new(block, size, &program, &where) == 0, "%s", where);
        program_unref(program);
        free(block);
}
END_TEST

/* The record `i` of a section in the block, to be spoiled. */
#define AT(block, section, type, i) \
        (&((struct type *)((char *)(block) + ((struct program_header *)(block))->section.first))[i])

#define REFUSED(spoil, expected)                                                                                       \
        do {                                                                                                           \
                struct program *program;                                                                               \
                const char *where = "";                                                                                \
                size_t size;                                                                                           \
                char *block = build_block(&size);                                                                      \
                spoil;                                                                                                 \
                ck_assert_int_eq(program_new(block, size, &program, &where), -EBADMSG);                                \
                ck_assert_str_eq(where, expected);                                                                     \
                free(block);                                                                                           \
        } while (0)

START_TEST(indices_out_of_range_are_refused) {
        REFUSED(AT(block, edges, edge, 0)->condition = 1000, "condition of an edge");
        REFUSED(AT(block, edges, edge, 0)->target = 3, "target of an edge");
        REFUSED(AT(block, edges, edge, 0)->step = 99, "step of an edge");
        REFUSED(AT(block, edges, edge, 0)->writes.first = 99, "captures of an edge");
        REFUSED(AT(block, edges, edge, 0)->block = 7, "block of an edge");
        REFUSED(AT(block, edges, edge, 0)->kind = 0, "kind of an edge");
        REFUSED(AT(block, positions, position, 2)->block = 7, "block of a position");
        REFUSED(AT(block, predicates, predicate, 0)->string.length = UINT32_MAX, "string of a predicate");
        REFUSED(AT(block, predicates, predicate, 0)->field = 60000, "field of a predicate");
        REFUSED(AT(block, conditions, condition, 0)->args.first = 60000, "predicate of a condition");
        REFUSED(AT(block, writes, slot_write, 0)->slot = 1, "slot of a capture");
        REFUSED(AT(block, guards, guard, 0)->slot = PROGRAM_MAX_SLOTS, "slot of a guard");
        REFUSED(AT(block, guards, guard, 0)->slot = 3, "condition of an edge");
        REFUSED(AT(block, starts, start, 0)->path = 4, "path of a first step");
        REFUSED(AT(block, starts, start, 0)->edge = 1, "edge of a first step");
}
END_TEST

START_TEST(places_that_go_backwards_or_nowhere_are_refused) {
        REFUSED(AT(block, edges, edge, 1)->target = 1, "target of an edge");
        REFUSED(AT(block, edges, edge, 1)->target = 0, "target of an edge");
        REFUSED(AT(block, edges, edge, 0)->target = 2, "position that cannot be reached");
        REFUSED(AT(block, edges, edge, 0)->type = EDGE_LOOP, "captures of an edge that does not advance");
        REFUSED(AT(block, edges, edge, 4)->target = 0, "place of an edge that does not advance");
        REFUSED(AT(block, edges, edge, 4)->type = EDGE_ADVANCE, "target of an edge");
        REFUSED(AT(block, blocks, block, 0)->first = 2, "block of an edge");
        REFUSED(AT(block, blocks, block, 0)->parent = 0, "parent of a block");
}
END_TEST

START_TEST(counts_absences_scores_and_untils_that_lie_are_refused) {
        REFUSED(AT(block, repeats, repeat, 0)->n = 0, "repeat");
        REFUSED(AT(block, repeats, repeat, 0)->n = PROGRAM_MAX_REPEAT + 1, "repeat");
        REFUSED(AT(block, positions, position, 4)->repeat = 1, "repeat of a position");
        REFUSED(AT(block, positions, position, 4)->repeat = PROGRAM_NONE, "edge that counts for nothing");
        REFUSED(AT(block, absences, absence, 0)->within_ns = 0, "absence");
        REFUSED(AT(block, absences, absence, 0)->target = 1, "target of an absence");
        REFUSED(AT(block, positions, position, 5)->absence = PROGRAM_NONE, "what a position waits for");
        REFUSED(AT(block, untils, until, 0)->slots = 1, "slots of an until");
        REFUSED(AT(block, untils, until, 0)->condition = 1000, "condition of an until");
        REFUSED(AT(block, paths, path, 2)->untils.n = 0, "kinds of a path");
        REFUSED(AT(block, paths, path, 2)->absence = false, "absence");
        REFUSED(AT(block, paths, path, 3)->score.threshold = 0, "edge of a score");
        REFUSED(AT(block, paths, path, 3)->score.decay = 0, "score");
}
END_TEST

START_TEST(a_creator_is_chosen_before_it_is_read) {
        const struct program_header *header;
        size_t size;
        char *block = build_block(&size);
        uint32_t n;

        header = (const struct program_header *)block;
        n = header->conditions.n;
        free(block);

        for (uint32_t i = 0; i < n; i++) {
                struct condition *condition;

                block = build_block(&size);
                condition = AT(block, conditions, condition, i);
                if (condition->op == CONDITION_ANCESTOR) {
                        struct program *program;
                        const char *where = "";

                        condition->op = CONDITION_NOT;
                        condition->run_free = false;
                        ck_assert_int_eq(program_new(block, size, &program, &where), -EBADMSG);
                        ck_assert_str_eq(where, "condition of an edge");
                }
                free(block);
        }
}
END_TEST

START_TEST(conditions_that_lie_about_themselves_are_refused) {
        REFUSED(AT(block, conditions, condition, 0)->depth = 1, "depth of a condition");
        REFUSED(AT(block, conditions, condition, 2)->run_free = true, "whether a condition looks at captures");
        REFUSED(*(uint8_t *)&AT(block, conditions, condition, 0)->run_free = 2,
                "whether a condition looks at captures");
        REFUSED(AT(block, conditions, condition, 5)->args.first = 5, "child of a condition");
        REFUSED(AT(block, conditions, condition, 0)->op = _CONDITION_OP_MAX, "operation of a condition");
        REFUSED(AT(block, children, uint32_t_, 1)->value = 9, "child of a condition");
}
END_TEST

START_TEST(operations_that_do_not_fit_their_field_are_refused) {
        REFUSED(AT(block, predicates, predicate, 0)->op = PREDICATE_EQUAL, "type of a number's field");
        REFUSED(AT(block, predicates, predicate, 0)->op = PREDICATE_IN_NETWORKS, "type of an address's field");
        REFUSED(AT(block, predicates, predicate, 1)->op = PREDICATE_STRING, "type of a string's field");
        REFUSED(AT(block, predicates, predicate, 0)->subject = SUBJECT_PARENT, "field of a predicate");
        REFUSED(AT(block, predicates, predicate, 0)->index = 0, "field of a predicate");
        REFUSED(AT(block, predicates, predicate, 4)->index = INDEX_NONE, "list compared as a whole");
        REFUSED(AT(block, predicates, predicate, 0)->op = PREDICATE_IN_STRINGS, "list of strings");
        REFUSED(AT(block, predicates, predicate, 0)->op = _PREDICATE_OP_MAX, "operation of a predicate");
}
END_TEST

START_TEST(first_steps_are_filed_once) {
        REFUSED(((struct program_header *)block)->kind_starts[WIRE_KIND_chmod].n = 0, "first steps");
        REFUSED(((struct program_header *)block)->kind_starts[WIRE_KIND_execve].n = 0, "first steps");
        REFUSED(*AT(block, starts, start, 1) = *AT(block, starts, start, 0), "kind of a first step");
}
END_TEST

START_TEST(sections_with_gaps_or_overlaps_are_refused) {
        REFUSED(((struct program_header *)block)->edges.first += 8, "section edges");
        REFUSED(((struct program_header *)block)->edges.n--, "section conditions");
        REFUSED(((struct program_header *)block)->edges.n = UINT32_MAX, "section edges");
        REFUSED(((struct program_header *)block)->bytes.n = UINT32_MAX, "section bytes");
        REFUSED(((struct program_header *)block)->predicate_starts.n--, "section predicate_starts");
}
END_TEST

START_TEST(paths_out_of_order_are_refused) {
        REFUSED(AT(block, paths, path, 1)->name = AT(block, paths, path, 0)->name, "order of paths");
        REFUSED(AT(block, paths, path, 0)->severity = 99, "attributes of a path");
        REFUSED(AT(block, paths, path, 0)->kinds = 0, "kinds of a path");
        REFUSED(((struct program_header *)block)->interest.kinds = 2, "kinds of interest");
}
END_TEST

START_TEST(a_condition_that_is_shared_into_a_monster_is_refused) {
        struct builder b;
        struct program *program;
        const char *where;
        size_t size;
        void *block;
        uint32_t condition;

        builder_init(&b);
        builder_path(&b, "wide");
        builder_position(&b);
        condition = builder_true(&b);
        for (unsigned i = 0; i < 40; i++)
                condition = builder_and(&b, condition, condition);
        builder_step(&b, WIRE_KIND_openat, condition, POSITION_ACCEPT);
        block = builder_finish_block(&b, &size);
        ck_assert_int_eq(program_new(block, size, &program, &where), -EBADMSG);
        ck_assert_str_eq(where, "size of a condition");
        free(block);
}
END_TEST

/* Not a proof, but what mutations are accepted must be readable to the end. The fuzzer goes on from here. */
START_TEST(random_damage_is_refused_or_harmless) {
        size_t size;
        char *block = build_block(&size), *damaged = malloc(size);
        unsigned n_accepted = 0;

        srand(1);
        for (unsigned i = 0; i < 30000; i++) {
                struct program *program;
                unsigned n = 1 + rand() % 3;

                memcpy(damaged, block, size);
                while (n-- > 0)
                        damaged[sizeof(struct program_header) + rand() % (size - sizeof(struct program_header))] ^=
                                1 << rand() % 8;
                if (program_new(damaged, size, &program, NULL) == 0) {
                        struct strbuf text = {};

                        program_dump(program, &text);
                        ck_assert_uint_gt(text.n, 0);
                        strbuf_done(&text);
                        program_unref(program);
                        n_accepted++;
                }
        }
        ck_assert_uint_gt(n_accepted, 100);
        free(damaged);
        free(block);
}
END_TEST

UNIT_MAIN("program/verify",
          a_program_with_one_of_everything_is_accepted,
          indices_out_of_range_are_refused,
          places_that_go_backwards_or_nowhere_are_refused,
          conditions_that_lie_about_themselves_are_refused,
          counts_absences_scores_and_untils_that_lie_are_refused,
          a_creator_is_chosen_before_it_is_read,
          operations_that_do_not_fit_their_field_are_refused,
          first_steps_are_filed_once,
          sections_with_gaps_or_overlaps_are_refused,
          paths_out_of_order_are_refused,
          a_condition_that_is_shared_into_a_monster_is_refused,
          random_damage_is_refused_or_harmless)
