/* SPDX-License-Identifier: Apache-2.0 */
#include "event/schema.h"

#include <string.h>

#include "unit.h"

#define FIND_KIND(name) schema_find_kind(name, strlen(name))
#define FIND_FIELD(kind, name) schema_find_field(kind, name, strlen(name))
#define FIND_PROCESS(name) schema_find_process_field(name, strlen(name))

START_TEST(every_kind_is_found_by_its_name) {
        for (unsigned i = WIRE_NONE + 1; i < _WIRE_KIND_MAX; i++) {
                const struct kind_info *info = schema_kind(i);

                ck_assert_ptr_nonnull(info);
                ck_assert_uint_eq(FIND_KIND(info->name), i);
                ck_assert(strlen(info->doc) > 0);
                ck_assert_uint_ge(info->record_size, sizeof(struct wire_header));
                ck_assert_uint_eq(info->record_size % 8, 0);
        }
        ck_assert_ptr_null(schema_kind(WIRE_NONE));
        ck_assert_ptr_null(schema_kind(_WIRE_KIND_MAX));
        ck_assert_uint_eq(FIND_KIND("open"), WIRE_NONE);
        ck_assert_uint_eq(FIND_KIND(""), WIRE_NONE);
}
END_TEST

START_TEST(every_field_is_found_by_its_name_in_its_kind) {
        unsigned n_seen = 0;

        for (unsigned i = 0; i < _FIELD_MAX; i++) {
                const struct field_info *info = schema_field(i);

                if (!info)
                        continue;
                n_seen++;
                switch (info->scope) {
                case FIELD_EVENT:
                        ck_assert_uint_eq(FIND_FIELD(info->kind, info->name), i);
                        ck_assert_uint_eq(schema_kind(info->kind)->first_field + info->bit, i);
                        ck_assert_uint_lt(info->bit, schema_kind(info->kind)->n_fields);
                        ck_assert_uint_lt(info->offset, schema_kind(info->kind)->record_size);
                        break;
                case FIELD_COMMON:
                        ck_assert_uint_eq(FIND_FIELD(WIRE_KIND_tick, info->name), i);
                        break;
                case FIELD_PROCESS:
                        ck_assert_uint_eq(FIND_PROCESS(info->name), i);
                        break;
                }
        }
        ck_assert_uint_gt(n_seen, 100);
        ck_assert_ptr_null(schema_field(FIELD_NONE));
        ck_assert_ptr_null(schema_field(_FIELD_MAX));
}
END_TEST

START_TEST(no_common_field_hides_behind_a_field_of_a_kind) {
        for (unsigned i = _FIELD_COMMON_BEFORE + 1; i < _FIELD_PROCESS_BEFORE; i++)
                for (unsigned kind = 1; kind < _WIRE_KIND_MAX; kind++)
                        ck_assert_uint_eq(FIND_FIELD(kind, schema_field(i)->name), i);
}
END_TEST

START_TEST(field_of_one_kind_is_not_found_in_another) {
        ck_assert_uint_eq(FIND_FIELD(WIRE_KIND_openat, "pathname"), FIELD_openat_pathname);
        ck_assert_uint_eq(FIND_FIELD(WIRE_KIND_unlink, "pathname"), FIELD_unlink_pathname);
        ck_assert_uint_eq(FIND_FIELD(WIRE_KIND_fork, "pathname"), FIELD_NONE);
        ck_assert_uint_eq(schema_find_field(WIRE_KIND_openat, "pathnames", 4), FIELD_NONE);
        ck_assert_uint_eq(FIND_PROCESS("container.id"), FIELD_PROCESS_container);
        ck_assert_uint_eq(FIND_PROCESS("proc.exe"), FIELD_NONE);
}
END_TEST

START_TEST(a_call_belongs_to_the_kind_that_people_mean) {
        ck_assert_uint_eq(schema_kind_of_call("openat2", 7), WIRE_KIND_openat);
        ck_assert_uint_eq(schema_kind_of_call("process_vm_writev", 17), WIRE_KIND_ptrace);
        ck_assert_uint_eq(schema_kind_of_call("umount2", 7), WIRE_KIND_umount);
        ck_assert_uint_eq(schema_kind_of_call("clone3", 6), WIRE_KIND_fork);
        ck_assert_uint_eq(schema_kind_of_call("getpid", 6), WIRE_NONE);
        ck_assert_uint_eq(schema_kind_of_call("", 0), WIRE_NONE);
}
END_TEST

START_TEST(all_kinds_that_policies_wait_for_have_a_bit_of_their_own) {
        uint64_t all = 0;

        for (unsigned kind = 1; kind < WIRE_KIND_cgroup; kind++) {
                ck_assert_uint_ne(wire_kind_bit(kind), 0);
                ck_assert_uint_eq(all & wire_kind_bit(kind), 0);
                all |= wire_kind_bit(kind);
        }
        for (unsigned kind = WIRE_KIND_cgroup; kind < _WIRE_KIND_MAX; kind++)
                ck_assert_uint_eq(wire_kind_bit(kind), 0);
}
END_TEST

START_TEST(types_and_flags_come_from_the_list) {
        const struct field_info *info = schema_field(FIELD_execve_env);

        ck_assert_int_eq(info->type, VALUE_LIST);
        ck_assert_uint_eq(info->flags, FIELD_USER | FIELD_REQUEST);
        ck_assert_uint_eq(schema_field(FIELD_openat_pathname)->flags, FIELD_PATH);
        ck_assert_int_eq(schema_field(FIELD_openat_flags)->format, FORMAT_OPEN);
        ck_assert_int_eq(schema_kind(WIRE_KIND_fork)->class, EVENT_CORE);
        ck_assert_int_eq(schema_kind(WIRE_KIND_openat)->class, EVENT_EVENT);
        ck_assert_int_eq(schema_kind(WIRE_KIND_tick)->class, EVENT_META);
        for (unsigned i = 0; i < _VALUE_TYPE_MAX; i++)
                ck_assert_ptr_nonnull(value_type_to_string(i));
}
END_TEST

UNIT_MAIN("event/schema",
          every_kind_is_found_by_its_name,
          every_field_is_found_by_its_name_in_its_kind,
          no_common_field_hides_behind_a_field_of_a_kind,
          field_of_one_kind_is_not_found_in_another,
          a_call_belongs_to_the_kind_that_people_mean, all_kinds_that_policies_wait_for_have_a_bit_of_their_own,
          types_and_flags_come_from_the_list)
