/* SPDX-License-Identifier: Apache-2.0 */
/* What the tiers may differ in: names of files. Programs on security hooks see what a name led to; without them it is
 * made of the caller's bytes, and marked so. Each test says what holds on both. */
#include <pthread.h>
#include <sys/syscall.h>

#include "base/macro.h"

#include "lab.h"

#define F(kind, id) WIRE_FIELD_##kind##_##id
#define NAMES                                                                                                          \
        (1ULL << WIRE_KIND_execve | 1ULL << WIRE_KIND_unlink | 1ULL << WIRE_KIND_rename | 1ULL << WIRE_KIND_chmod)

/* A directory `real`, to which `way` is a symbolic link, with a file in it. */
static void make_way(const char *name, struct stat *ret) {
        (void)mkdir(lab_path("real"), 0755);
        (void)!symlink("real", lab_path("way"));
        lab_write_file(lab_path(name), "", 0640);
        ck_assert_int_eq(stat(lab_path(name), ret), 0);
}

static int remove_by_way(void *argument) {
        return chdir(lab.directory) < 0 || unlink("way/one") < 0;
}

START_TEST(an_unlink_through_a_symbolic_link_names_the_directory_that_it_was_in) {
        const struct wire_header *record;
        struct stat st;
        pid_t pid;

        make_way("real/one", &st);
        pid = lab_run(remove_by_way, NULL);
        ck_assert_int_eq(lab.status, 0);
        record = lab_find(WIRE_KIND_unlink, pid, 0);
        ck_assert_ptr_nonnull(record);
        ck_assert_str_eq(lab_text(record, F(unlink, given)), "way/one");
        if (lab_has_security(WIRE_KIND_unlink)) {
                ck_assert_str_eq(lab_text(record, F(unlink, pathname)), lab_path("real/one"));
                ck_assert(!(record->user & WIRE_BIT(unlink, pathname)));
                ck_assert(lab_is_file(lab_object(record, F(unlink, file)), &st));
        } else {
                ck_assert_str_eq(lab_text(record, F(unlink, pathname)), lab_path("way/one"));
                ck_assert(record->user & WIRE_BIT(unlink, pathname));
                ck_assert(!lab_known(record, F(unlink, file)));
        }
}
END_TEST

static int rename_by_way(void *argument) {
        return chdir(lab.directory) < 0 || rename("way/from", "way/to") < 0 || rename("way/to", "way/from") < 0;
}

START_TEST(a_rename_tells_what_was_renamed_and_what_was_replaced) {
        const struct wire_header *record, *back;
        struct stat from, to;
        pid_t pid;

        make_way("real/from", &from);
        make_way("real/to", &to);
        pid = lab_run(rename_by_way, NULL);
        ck_assert_int_eq(lab.status, 0);
        record = lab_find(WIRE_KIND_rename, pid, 0);
        back = lab_find(WIRE_KIND_rename, pid, 1);
        ck_assert_ptr_nonnull(record);
        ck_assert_ptr_nonnull(back);
        ck_assert_str_eq(lab_text(record, F(rename, given)), "way/from");
        ck_assert_str_eq(lab_text(record, F(rename, newgiven)), "way/to");
        if (lab_has_security(WIRE_KIND_rename)) {
                ck_assert_str_eq(lab_text(record, F(rename, pathname)), lab_path("real/from"));
                ck_assert_str_eq(lab_text(record, F(rename, newpath)), lab_path("real/to"));
                ck_assert(!(record->user & (WIRE_BIT(rename, pathname) | WIRE_BIT(rename, newpath))));
                ck_assert(lab_is_file(lab_object(record, F(rename, file)), &from));
                ck_assert(lab_is_file(lab_object(record, F(rename, replaced)), &to));
                ck_assert(!lab_known(back, F(rename, replaced)));
                ck_assert_str_eq(lab_text(back, F(rename, newpath)), lab_path("real/from"));
        } else {
                ck_assert_str_eq(lab_text(record, F(rename, pathname)), lab_path("way/from"));
                ck_assert_str_eq(lab_text(record, F(rename, newpath)), lab_path("way/to"));
                ck_assert(record->user & WIRE_BIT(rename, pathname) && record->user & WIRE_BIT(rename, newpath));
                ck_assert(!lab_known(record, F(rename, file)) && !lab_known(record, F(rename, replaced)));
        }
}
END_TEST

static int chmod_link(void *argument) {
        return chdir(lab.directory) < 0 || symlink("real/two", "link") < 0 || chmod("link", 04755) < 0;
}

START_TEST(a_chmod_of_a_link_names_the_file_that_it_led_to) {
        const struct wire_header *record;
        struct stat st;
        pid_t pid;

        make_way("real/two", &st);
        pid = lab_run(chmod_link, NULL);
        ck_assert_int_eq(lab.status, 0);
        record = lab_find(WIRE_KIND_chmod, pid, 0);
        ck_assert_ptr_nonnull(record);
        ck_assert_int_eq(lab_number(record, F(chmod, mode)), 04755);
        if (lab_has_security(WIRE_KIND_chmod)) {
                ck_assert_str_eq(lab_text(record, F(chmod, pathname)), lab_path("real/two"));
                ck_assert(!(record->user & WIRE_BIT(chmod, pathname)));
                ck_assert(lab_is_file(lab_object(record, F(chmod, file)), &st));
                ck_assert_int_eq(lab_number(record, F(chmod, old_mode)), st.st_mode);
        } else {
                ck_assert_str_eq(lab_text(record, F(chmod, pathname)), lab_path("link"));
                ck_assert(record->user & WIRE_BIT(chmod, pathname));
        }
}
END_TEST

static int exec_script(void *argument) {
        execl(lab_path("script.sh"), "script.sh", NULL);
        return 127;
}

START_TEST(a_script_is_known_as_a_file) {
        const struct wire_header *record;
        struct stat st;
        pid_t pid;

        lab_write_file(lab_path("script.sh"), "#!/bin/sh\n", 0755);
        ck_assert_int_eq(stat(lab_path("script.sh"), &st), 0);
        pid = lab_run(exec_script, NULL);
        ck_assert_int_eq(lab.status, 0);
        record = lab_find(WIRE_KIND_execve, pid, 0);
        ck_assert_ptr_nonnull(record);
        ck_assert_int_eq(lab_number(record, F(execve, script)), 1);
        if (lab_has_security(WIRE_KIND_execve))
                ck_assert(lab_is_file(lab_object(record, F(execve, script_file)), &st));
        else
                ck_assert(!lab_known(record, F(execve, script_file)));
}
END_TEST

/* What did not come as far as the hook is told by the caller's bytes on both; nothing is left of the call before. */
static int succeed_then_fail(void *argument) {
        char name[8] = "real/s";

        if (chdir(lab.directory) < 0 || chmod(name, 0600) < 0)
                return 1;
        name[5] = 'x';                  /* the same registers */
        return chmod(name, 0600) < 0 && errno == ENOENT ? 0 : 2;
}

START_TEST(a_call_that_found_nothing_is_not_told_by_what_the_one_before_it_found) {
        struct interest interest = lab_interest(NAMES);
        const struct wire_header *record;
        struct stat st;
        pid_t pid;

        make_way("real/s", &st);
        for (int failures_only = 0; failures_only < 2; failures_only++) {
                interest.filter[WIRE_KIND_chmod].successes = !failures_only;
                ck_assert_int_eq(capture_set_interest(lab.capture, &interest, 1), 0);
                pid = lab_run(succeed_then_fail, NULL);
                ck_assert_int_eq(lab.status, 0);
                ck_assert_uint_eq(lab_count(WIRE_KIND_chmod, pid), failures_only ? 1 : 2);
                record = lab_find(WIRE_KIND_chmod, pid, failures_only ? 0 : 1);
                ck_assert_int_eq(record->result, -ENOENT);
                ck_assert_str_eq(lab_text(record, F(chmod, pathname)), lab_path("real/x"));
                ck_assert(record->user & WIRE_BIT(chmod, pathname));
                ck_assert(!lab_known(record, F(chmod, file)));
        }
        interest = lab_interest(NAMES);
        ck_assert_int_eq(capture_set_interest(lab.capture, &interest, 1), 0);
}
END_TEST

/* More threads in calls than there are places to keep what they led to. */
#define N_THREADS 40
#define N_NAMES 50

static void *make_and_remove(void *argument) {
        char name[64];

        for (int i = 0; i < N_NAMES; i++) {
                int fd;

                snprintf(name, sizeof(name), "way/t%ld-%d", (long)(intptr_t)argument, i);
                fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
                if (fd < 0 || unlink(name) < 0)
                        _exit(2);
                close(fd);
        }
        return NULL;
}

static int many_threads(void *argument) {
        pthread_t threads[N_THREADS];

        if (chdir(lab.directory) < 0)
                return 1;
        for (intptr_t i = 0; i < N_THREADS; i++)
                if (pthread_create(&threads[i], NULL, make_and_remove, (void *)i) != 0)
                        return 3;
        for (int i = 0; i < N_THREADS; i++)
                pthread_join(threads[i], NULL);
        return 0;
}

/* From 7.x on programs can be preempted, and the kernel skips what comes meanwhile. */
static size_t n_lost(void) {
        struct capture_stats stats;

        capture_stats(lab.capture, &stats);
        return lab_lost(&stats, WIRE_KIND_unlink);
}

START_TEST(many_threads_do_not_take_each_others_names) {
        size_t n, n_kernel = 0, n_user = 0, before;
        struct stat st;
        pid_t pid;

        make_way("real/three", &st);
        lab_forget();
        before = n_lost();
        pid = lab_run(many_threads, NULL);
        ck_assert_int_eq(lab.status, 0);
        n = lab_count(WIRE_KIND_unlink, pid);
        for (int patience = 0; n + n_lost() - before < N_THREADS * N_NAMES && patience < 300; patience++) {
                usleep(10000);          /* what was skipped is counted once a second */
                lab_read();
        }
        /* What was skipped at the beginning of a call is told at its end all the same. */
        ck_assert_uint_le(n, N_THREADS * N_NAMES);
        ck_assert_uint_ge(n + n_lost() - before, N_THREADS * N_NAMES);
        ck_assert_uint_gt(n, N_THREADS * N_NAMES * 3 / 4);
        for (size_t i = 0; i < n; i++) {
                const struct wire_header *record = lab_find(WIRE_KIND_unlink, pid, i);
                const char *path = lab_text(record, F(unlink, pathname)), *given = lab_text(record, F(unlink, given));
                bool user = record->user & WIRE_BIT(unlink, pathname);

                ck_assert_str_eq(strrchr(path, '/'), strrchr(given, '/'));
                ck_assert_ptr_eq(strstr(path, user ? "/way/" : "/real/"), strrchr(path, '/') - (user ? 4 : 5));
                n_kernel += !user;
                n_user += user;
        }
        printf("%zu names by the kernel, %zu by the caller\n", n_kernel, n_user);
        if (lab_has_security(WIRE_KIND_unlink))
                ck_assert_uint_gt(n_kernel, n * 9 / 10);
        else
                ck_assert_uint_eq(n_kernel, 0);
}
END_TEST

/* The caller's bytes are exchanged all the time: of two files one is removed. */
static volatile char shared_name[16];
static volatile bool done;

static void *exchange_names(void *argument) {
        while (!done) {
                shared_name[4] = 'a';
                shared_name[4] = 'b';
        }
        return NULL;
}

#define N_EXCHANGES 300

static int remove_one_of_two(void *argument) {
        pthread_t thread;
        int answers = open("answers", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

        if (answers < 0 || chdir("real") < 0)
                return 1;
        for (int i = 0; i < 4; i++)
                shared_name[i] = "file"[i];
        if (pthread_create(&thread, NULL, exchange_names, NULL) != 0)
                return 2;
        while (!shared_name[4])
                ;
        for (int i = 0; i < N_EXCHANGES; i++) {
                char answer;

                close(open("filea", O_WRONLY | O_CREAT, 0600));
                close(open("fileb", O_WRONLY | O_CREAT, 0600));
                if (unlink((const char *)shared_name) < 0)
                        return 3;
                answer = access("filea", F_OK) < 0 ? 'a' : 'b';
                if (write(answers, &answer, 1) != 1)
                        return 4;
        }
        done = true;
        pthread_join(thread, NULL);
        return 0;
}

START_TEST(a_name_that_is_exchanged_under_the_call_does_not_fool_the_hook) {
        char answers[N_EXCHANGES];
        size_t n_wrong = 0;
        struct stat st;
        pid_t pid;
        int fd;

        make_way("real/four", &st);
        ck_assert_int_eq(chdir(lab.directory), 0);
        pid = lab_run(remove_one_of_two, NULL);
        ck_assert_int_eq(chdir("/"), 0);
        ck_assert_int_eq(lab.status, 0);
        fd = open(lab_path("answers"), O_RDONLY | O_CLOEXEC);
        ck_assert_int_eq(read(fd, answers, sizeof(answers)), N_EXCHANGES);
        close(fd);
        ck_assert_uint_eq(lab_count(WIRE_KIND_unlink, pid), N_EXCHANGES);
        for (size_t i = 0; i < N_EXCHANGES; i++) {
                const struct wire_header *record = lab_find(WIRE_KIND_unlink, pid, i);
                const char *path = lab_text(record, F(unlink, pathname));
                bool wrong = path[strlen(path) - 1] != answers[i];

                n_wrong += wrong;
                ck_assert(!wrong || record->user & WIRE_BIT(unlink, pathname));
        }
        printf("%zu of %d exchanged names were told wrong, and marked\n", n_wrong, N_EXCHANGES);
        if (lab_has_security(WIRE_KIND_unlink))
                ck_assert_uint_eq(n_wrong, 0);
}
END_TEST

int main(void) {
        const TTest *const tests[] = {
                an_unlink_through_a_symbolic_link_names_the_directory_that_it_was_in,
                a_rename_tells_what_was_renamed_and_what_was_replaced,
                a_chmod_of_a_link_names_the_file_that_it_led_to,
                a_script_is_known_as_a_file,
                a_call_that_found_nothing_is_not_told_by_what_the_one_before_it_found,
                many_threads_do_not_take_each_others_names,
                a_name_that_is_exchanged_under_the_call_does_not_fool_the_hook,
        };
        struct interest interest = lab_interest(NAMES);

        return lab_main("bpf/tier", tests, ELEMENTSOF(tests), &interest, NULL);
}
