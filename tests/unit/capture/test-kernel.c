/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/kernel.h"

#include <errno.h>
#include <string.h>

#include "unit.h"

static struct kernel good(void) {
        return (struct kernel){
                .release = "6.1.0", .major = 6, .minor = 1, .allowed = true, .btf = true, .ring = true, .tracing = true,
                .task_storage = true,
        };
}

START_TEST(a_kernel_with_the_least_is_enough) {
        struct kernel kernel = good();
        const char *why = NULL;

        ck_assert_int_eq(kernel_check(&kernel, &why), 0);
}
END_TEST

START_TEST(what_is_missing_has_its_own_answer_and_a_remedy) {
        const char *why = NULL;
        struct kernel kernel;

        kernel = good();
        kernel.minor = 0;
        ck_assert_int_eq(kernel_check(&kernel, &why), -EOPNOTSUPP);
        ck_assert_ptr_nonnull(strstr(why, "6.1"));

        kernel = good();
        kernel.major = 5;
        kernel.minor = 19;
        ck_assert_int_eq(kernel_check(&kernel, &why), -EOPNOTSUPP);

        kernel = good();
        kernel.major = 7;
        kernel.minor = 0;
        ck_assert_int_eq(kernel_check(&kernel, &why), 0);

        /* Without type information nothing else was tried. */
        kernel = (struct kernel){.major = 6, .minor = 6, .allowed = true};
        ck_assert_int_eq(kernel_check(&kernel, &why), -ENODATA);
        ck_assert_ptr_nonnull(strstr(why, "CONFIG_DEBUG_INFO_BTF"));

        kernel = (struct kernel){.major = 6, .minor = 6, .btf = true};
        ck_assert_int_eq(kernel_check(&kernel, &why), -EPERM);
        ck_assert_ptr_nonnull(strstr(why, "CAP_BPF"));

        /* Nor when there were no descriptors to try with. */
        kernel = (struct kernel){.major = 6, .minor = 6, .crowded = true};
        ck_assert_int_eq(kernel_check(&kernel, &why), -EMFILE);
        ck_assert_ptr_nonnull(strstr(why, "LimitNOFILE"));

        kernel = good();
        kernel.ring = false;
        ck_assert_int_eq(kernel_check(&kernel, &why), -EOPNOTSUPP);
        kernel = good();
        kernel.tracing = false;
        ck_assert_int_eq(kernel_check(&kernel, &why), -EOPNOTSUPP);
        kernel = good();
        kernel.task_storage = false;
        ck_assert_int_eq(kernel_check(&kernel, &why), -EOPNOTSUPP);
}
END_TEST

START_TEST(it_is_described_in_one_line_whatever_the_room) {
        struct kernel kernel = good();
        char text[512];

        ck_assert_uint_eq(kernel_describe(&kernel, text, sizeof(text)), strlen(text));
        ck_assert_str_eq(
                text,
                "Linux 6.1.0 has type information, ring buffer, typed tracepoints, task storage; not cgroup connect, "
                "typed casts, modules, fentry, BPF LSM\n");
        for (size_t size = 1; size < 100; size++) {
                memset(text, 'x', sizeof(text));
                kernel_describe(&kernel, text, size);
                ck_assert_uint_lt(strlen(text), size);
        }
}
END_TEST

START_TEST(the_running_kernel_is_looked_at_without_harm) {
        const struct kernel *kernel = kernel_get();

        ck_assert_uint_gt(kernel->major, 0);
        ck_assert_ptr_eq(kernel_get(), kernel);
}
END_TEST

UNIT_MAIN("capture/kernel",
          a_kernel_with_the_least_is_enough,
          what_is_missing_has_its_own_answer_and_a_remedy,
          it_is_described_in_one_line_whatever_the_room,
          the_running_kernel_is_looked_at_without_harm)
