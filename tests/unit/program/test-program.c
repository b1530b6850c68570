/* SPDX-License-Identifier: Apache-2.0 */
#include "program/program.h"

#include <errno.h>
#include <string.h>

#include "program-builder.h"
#include "unit.h"

#define PATHNAME WIRE_FIELD_openat_pathname

static void *two_steps(size_t *ret_size) {
        struct builder b;

        builder_init(&b);
        builder_path(&b, "two");
        builder_position(&b);
        builder_step(&b, WIRE_KIND_openat, builder_text(&b, PREDICATE_STRING, PATHNAME, "/a"), 1);
        builder_position(&b);
        builder_step(&b, WIRE_KIND_openat, builder_regex(&b, PATHNAME, "b+$"), POSITION_ACCEPT);
        return builder_finish_block(&b, ret_size);
}

START_TEST(a_block_becomes_a_program_that_keeps_a_copy) {
        struct program *program;
        size_t size;
        char *block = two_steps(&size);

        ck_assert_int_eq(program_new(block, size, &program, NULL), 0);
        memset(block, 0, size);
        free(block);

        ck_assert_uint_eq(program->n_paths, 1);
        ck_assert_str_eq(program_text(program, program->paths[0].name), "two");
        ck_assert_uint_eq(program->n_positions, 2);
        ck_assert_uint_eq(program->n_regexes, 1);
        ck_assert_ptr_nonnull(program->compiled[0]);
        program_unref(program);
}
END_TEST

START_TEST(a_program_lives_as_long_as_its_last_reference) {
        struct program *program;
        size_t size;
        void *block = two_steps(&size);

        ck_assert_int_eq(program_new(block, size, &program, NULL), 0);
        free(block);
        ck_assert_ptr_eq(program_ref(program), program);
        ck_assert_ptr_null(program_unref(program));
        ck_assert_str_eq(program_text(program, program->paths[0].name), "two");
        program_unref(program);
        ck_assert_ptr_null(program_unref(NULL));
}
END_TEST

START_TEST(a_program_gets_its_number_when_it_is_loaded) {
        struct program *program;
        size_t size;
        void *block = two_steps(&size);

        ck_assert_int_eq(program_new(block, size, &program, NULL), 0);
        ck_assert_uint_eq(program->header->generation, 0);
        program_set_generation(program, 7);
        ck_assert_uint_eq(program->header->generation, 7);
        ck_assert_uint_eq(((struct program_header *)block)->generation, 0);
        program_unref(program);
        free(block);
}
END_TEST

START_TEST(a_program_of_another_version_or_schema_is_told_apart_from_a_broken_one) {
        struct program *program = NULL;
        const char *where;
        size_t size;
        struct program_header *block = two_steps(&size);

        block->version++;
        ck_assert_int_eq(program_new(block, size, &program, &where), -EPROTO);
        block->version--;
        block->fingerprint++;
        ck_assert_int_eq(program_new(block, size, &program, &where), -EPROTO);
        block->fingerprint--;
        block->magic[0] = 'e';
        ck_assert_int_eq(program_new(block, size, &program, &where), -EBADMSG);
        ck_assert_str_eq(where, "header");
        ck_assert_ptr_null(program);
        free(block);
}
END_TEST

START_TEST(a_block_of_any_other_length_is_refused) {
        struct program *program = NULL;
        size_t size;
        char *block = two_steps(&size), *longer = calloc(1, size + 8);

        memcpy(longer, block, size);
        for (size_t n = 0; n < size; n++)
                ck_assert_int_eq(program_new(block, n, &program, NULL), -EBADMSG);
        ck_assert_int_eq(program_new(longer, size + 8, &program, NULL), -EBADMSG);
        free(longer);
        free(block);
}
END_TEST

START_TEST(a_regex_that_does_not_compile_makes_the_program_invalid) {
        struct builder b;
        struct program *program;
        const char *where;
        size_t size;
        void *block;

        builder_init(&b);
        builder_path(&b, "p");
        builder_position(&b);
        builder_step(&b, WIRE_KIND_openat, builder_regex(&b, PATHNAME, "(*ACCEPT)"), POSITION_ACCEPT);
        block = builder_finish_block(&b, &size);
        ck_assert_int_eq(program_new(block, size, &program, &where), -EBADMSG);
        ck_assert_str_eq(where, "pattern of a regex");
        free(block);
}
END_TEST

static int attempt(void *userdata) {
        struct program *program;
        size_t size;
        void **block = userdata;
        int r;

        size = ((struct program_header *)*block)->size;
        r = program_new(*block, size, &program, NULL);
        if (r >= 0)
                program_unref(program);
        return r;
}

START_TEST(out_of_memory_at_any_moment_leaves_nothing_behind) {
        size_t size;
        void *block = two_steps(&size);

        ck_assert_uint_ge(alloc_fail_sweep(attempt, &block), 5);
        free(block);
}
END_TEST

START_TEST(names_of_severities_and_keys_go_both_ways) {
        for (int i = 0; i < _SEVERITY_MAX; i++) {
                const char *name = severity_to_string((enum severity)i);

                ck_assert_int_eq(severity_from_string(name, strlen(name)), i);
        }
        for (int i = 0; i < _KEY_MAX; i++) {
                const char *name = program_key_to_string((enum program_key)i);

                ck_assert_int_eq(program_key_from_string(name, strlen(name)), i);
        }
        ck_assert_int_eq(severity_from_string("hig", 3), -EINVAL);
        ck_assert_int_eq(program_key_from_string("trees", 5), -EINVAL);
        ck_assert_ptr_null(severity_to_string(_SEVERITY_MAX));
}
END_TEST

UNIT_MAIN("program/program",
          a_block_becomes_a_program_that_keeps_a_copy,
          a_program_lives_as_long_as_its_last_reference,
          a_program_gets_its_number_when_it_is_loaded,
          a_program_of_another_version_or_schema_is_told_apart_from_a_broken_one,
          a_block_of_any_other_length_is_refused,
          a_regex_that_does_not_compile_makes_the_program_invalid,
          out_of_memory_at_any_moment_leaves_nothing_behind,
          names_of_severities_and_keys_go_both_ways)
