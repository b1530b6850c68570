/* SPDX-License-Identifier: Apache-2.0 */
/* fork, execve, exit: what the records say, and the traps around them. */
#include <arpa/inet.h>
#include <linux/sched.h>
#include <pthread.h>
#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <utmp.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "lab.h"

#define F(kind, id) WIRE_FIELD_##kind##_##id

/* ---- fork ---- */

static int fork_once(void *argument) {
        pid_t pid = fork();

        if (pid == 0)
                _exit(0);
        waitpid(pid, NULL, 0);
        return 0;
}

START_TEST(a_fork_names_the_child_before_the_child_does_anything) {
        const struct wire_header *fork, *exit;
        pid_t pid;

        pid = lab_run(fork_once, NULL);
        fork = lab_find(WIRE_KIND_fork, pid, 0);
        ck_assert_ptr_nonnull(fork);
        ck_assert_int_eq(lab_number(fork, F(fork, child_pid)), fork->result);
        exit = lab_find(WIRE_KIND_exit, fork->result, 0);
        ck_assert_ptr_nonnull(exit);
        ck_assert_int_eq(lab_number(fork, F(fork, child_start)), exit->start_ns);
        ck_assert_int_gt(exit->start_ns, fork->start_ns);
        ck_assert_int_eq(exit->creator_tgid, pid);
        ck_assert_int_eq(exit->creator_start_ns, fork->start_ns);
        ck_assert_int_lt(lab_position(fork), lab_position(exit));
        ck_assert_int_eq(lab_number(fork, F(fork, flags)) & CLONE_VM, 0);
}
END_TEST

static void *do_nothing(void *argument) {
        return NULL;
}

static int start_threads(void *argument) {
        for (int i = 0; i < 5; i++) {
                pthread_t thread;

                if (pthread_create(&thread, NULL, do_nothing, NULL) != 0)
                        return 1;
                pthread_join(thread, NULL);
        }
        return 0;
}

START_TEST(threads_are_no_processes) {
        pid_t pid = lab_run(start_threads, NULL);

        ck_assert_uint_eq(lab_count(WIRE_KIND_fork, pid), 0);
        ck_assert_uint_eq(lab_count(WIRE_KIND_exit, pid), 1);
}
END_TEST

static int fork_with_other_parent(void *argument) {
        struct clone_args args = {.flags = CLONE_PARENT};
        pid_t pid;

        pid = syscall(SYS_clone3, &args, sizeof(args));
        if (pid == 0)
                _exit(9);
        usleep(20000);
        return pid > 0 ? 0 : 1;
}

START_TEST(clone_parent_does_not_hide_the_creator) {
        const struct wire_header *fork, *exit;
        pid_t pid;

        pid = lab_run(fork_with_other_parent, NULL);
        fork = lab_find(WIRE_KIND_fork, pid, 0);
        ck_assert_ptr_nonnull(fork);
        ck_assert(lab_number(fork, F(fork, flags)) & CLONE_PARENT);
        exit = lab_wait(WIRE_KIND_exit, fork->result, 0);
        ck_assert_ptr_nonnull(exit);
        ck_assert_int_eq(exit->creator_tgid, pid);
        ck_assert_int_eq(waitpid(fork->result, NULL, __WALL), fork->result);
}
END_TEST

static int leave_the_session(void *argument) {
        /* Twice, with a session of its own in between: what daemons do. */
        if (fork() == 0) {
                setsid();
                if (fork() == 0) {
                        usleep(30000);
                        _exit(0);
                }
                _exit(0);
        }
        wait(NULL);
        return 0;
}

START_TEST(a_daemon_does_not_leave_its_tree) {
        const struct wire_header *first, *second, *exit;
        pid_t pid;

        pid = lab_run(leave_the_session, NULL);
        first = lab_find(WIRE_KIND_fork, pid, 0);
        ck_assert_ptr_nonnull(first);
        ck_assert_uint_ne(first->tree_tgid, 0);
        second = lab_wait(WIRE_KIND_fork, first->result, 0);
        ck_assert_ptr_nonnull(second);
        exit = lab_wait(WIRE_KIND_exit, second->result, 0);
        ck_assert_ptr_nonnull(exit);
        ck_assert_uint_eq(exit->tree_tgid, first->tree_tgid);
        ck_assert_uint_eq(exit->tree_start_ns, first->tree_start_ns);
        ck_assert_uint_eq(exit->creator_tgid, first->result);
}
END_TEST

/* ---- execve ---- */

static int exec_true(void *argument) {
        char *const argv[] = {"a name", "-x", "", "last", NULL};

        if (chdir(lab.directory) < 0)
                return 1;
        execv(argument, argv);
        return 2;
}

START_TEST(an_exec_tells_what_runs_how_and_where) {
        const struct wire_header *record;
        const char *path = lab_path("image");
        struct stat st;
        pid_t pid;

        lab_copy_file("/bin/true", path, 0751);
        ck_assert_int_eq(chown(path, 1234, 0), 0);
        ck_assert_int_eq(stat(path, &st), 0);

        pid = lab_run(exec_true, (void *)path);
        record = lab_find(WIRE_KIND_execve, pid, 0);
        ck_assert_ptr_nonnull(record);
        ck_assert_int_eq(record->result, 0);
        ck_assert_int_eq(record->uid, getuid());
        ck_assert_int_eq(record->euid, geteuid());
        ck_assert_int_eq(record->gid, getgid());
        ck_assert_str_eq(lab_text(record, F(execve, filename)), path);
        ck_assert_str_eq(lab_text(record, F(execve, exe)), path);
        ck_assert_str_eq(lab_list(record, F(execve, argv)), "a name|-x||last");
        ck_assert_int_eq(lab_number(record, F(execve, argc)), 4);
        ck_assert_str_eq(lab_text(record, F(execve, cwd)), lab.directory);
        ck_assert_str_eq(lab_text(record, F(execve, comm)), "image");
        ck_assert(lab_is_file(lab_object(record, F(execve, file)), &st));
        ck_assert_int_eq(lab_number(record, F(execve, file_mode)), S_IFREG | 0751);
        ck_assert_int_eq(lab_number(record, F(execve, file_uid)), 1234);
        ck_assert_int_eq(lab_number(record, F(execve, script)), 0);
        ck_assert_int_eq(lab_number(record, F(execve, memfd)), 0);
        ck_assert_int_eq(lab_number(record, F(execve, deleted)), 0);
        ck_assert_int_eq(lab_number(record, F(execve, upper)), 0);
        ck_assert_int_eq(lab_number(record, F(execve, secure)), 0);
        ck_assert_int_eq(lab_number(record, F(execve, old_uid)), 0);
        ck_assert_int_eq(lab_number(record, F(execve, old_egid)), 0);
        ck_assert(!lab_known(record, F(execve, env)));
}
END_TEST

START_TEST(a_relative_name_is_made_absolute_and_tidy) {
        const struct wire_header *record;
        pid_t pid;

        lab_copy_file("/bin/true", lab_path("image"), 0755);
        ck_assert(mkdir(lab_path("sub"), 0755) == 0 || errno == EEXIST);
        pid = lab_run(exec_true, "./sub/..//image");
        record = lab_find(WIRE_KIND_execve, pid, 0);
        ck_assert_ptr_nonnull(record);
        ck_assert_str_eq(lab_text(record, F(execve, filename)), lab_path("image"));
        ck_assert_str_eq(lab_text(record, F(execve, exe)), lab_path("image"));
}
END_TEST

START_TEST(a_script_is_the_file_named_and_its_interpreter_the_image) {
        const struct wire_header *record;
        char shell[PATH_MAX];
        pid_t pid;

        ck_assert_ptr_nonnull(realpath("/bin/sh", shell));
        lab_write_file(lab_path("x.sh"), "#!/bin/sh -e\nexit 3\n", 0755);
        pid = lab_run(exec_true, "./x.sh");
        record = lab_find(WIRE_KIND_execve, pid, 0);
        ck_assert_ptr_nonnull(record);
        ck_assert_int_eq(lab_number(record, F(execve, script)), 1);
        ck_assert_str_eq(lab_text(record, F(execve, filename)), lab_path("x.sh"));
        ck_assert_str_eq(lab_text(record, F(execve, exe)), shell);
        ck_assert_str_eq(lab_list(record, F(execve, argv)), "/bin/sh|-e|./x.sh|-x||last");
        ck_assert_int_eq(lab_number(lab_find(WIRE_KIND_exit, pid, 0), F(exit, code)), 3);
}
END_TEST

START_TEST(a_name_that_is_a_link_stays_and_the_image_is_resolved) {
        const struct wire_header *record;
        pid_t pid;

        lab_copy_file("/bin/true", lab_path("image"), 0755);
        unlink(lab_path("link"));
        ck_assert_int_eq(symlink("image", lab_path("link")), 0);
        pid = lab_run(exec_true, (void *)lab_path("link"));
        record = lab_find(WIRE_KIND_execve, pid, 0);
        ck_assert_ptr_nonnull(record);
        ck_assert_str_eq(lab_text(record, F(execve, filename)), lab_path("link"));
        ck_assert_str_eq(lab_text(record, F(execve, exe)), lab_path("image"));
}
END_TEST

static int exec_memfd(void *argument) {
        char *const argv[] = {"x", NULL}, *const envp[] = {NULL};
        int fd = memfd_create("secret tool", MFD_CLOEXEC), in = open("/bin/true", O_RDONLY | O_CLOEXEC);
        char buffer[65536];
        ssize_t n;

        while ((n = read(in, buffer, sizeof(buffer))) > 0)
                if (write(fd, buffer, n) != n)
                        return 1;
        fexecve(fd, argv, envp);
        return 2;
}

START_TEST(an_image_without_a_file_is_a_memfd) {
        const struct wire_header *record;
        pid_t pid;

        pid = lab_run(exec_memfd, NULL);
        record = lab_find(WIRE_KIND_execve, pid, 0);
        ck_assert_ptr_nonnull(record);
        ck_assert_int_eq(lab_number(record, F(execve, memfd)), 1);
        ck_assert_int_eq(lab_number(record, F(execve, deleted)), 1);
        ck_assert_str_eq(lab_text(record, F(execve, exe)), "/memfd:secret tool");
        ck_assert_str_eq(lab_text(record, F(execve, filename)), "/memfd:secret tool");
        ck_assert(record->flags & WIRE_DETACHED);
}
END_TEST

static int exec_deleted(void *argument) {
        char *const argv[] = {"x", NULL}, *const envp[] = {NULL};
        int fd = open(argument, O_RDONLY | O_CLOEXEC);

        unlink(argument);
        fexecve(fd, argv, envp);
        return 2;
}

START_TEST(an_image_whose_name_is_gone_is_deleted) {
        const struct wire_header *record;
        pid_t pid;

        lab_copy_file("/bin/true", lab_path("gone"), 0755);
        pid = lab_run(exec_deleted, (void *)lab_path("gone"));
        record = lab_find(WIRE_KIND_execve, pid, 0);
        ck_assert_ptr_nonnull(record);
        ck_assert_int_eq(lab_number(record, F(execve, deleted)), 1);
        ck_assert_int_eq(lab_number(record, F(execve, memfd)), 0);
        ck_assert_str_eq(lab_text(record, F(execve, exe)), lab_path("gone"));
        ck_assert_str_eq(lab_text(record, F(execve, filename)), lab_path("gone"));
}
END_TEST

static int exec_script_at(void *argument) {
        int fd = open(lab.directory, O_PATH | O_DIRECTORY);
        char *const argv[] = {"x", NULL}, *const envp[] = {NULL};

        syscall(SYS_execveat, fd, "x.sh", argv, envp, 0);
        return 2;
}

START_TEST(a_script_named_by_descriptor_has_its_own_name) {
        const struct wire_header *record;
        pid_t pid;

        lab_write_file(lab_path("x.sh"), "#!/bin/sh\nexit 0\n", 0755);
        pid = lab_run(exec_script_at, NULL);
        record = lab_find(WIRE_KIND_execve, pid, 0);
        ck_assert_ptr_nonnull(record);
        ck_assert_int_eq(lab_number(record, F(execve, script)), 1);
        ck_assert_str_eq(lab_text(record, F(execve, filename)), lab_path("x.sh"));
}
END_TEST

static int exec_as_nobody(void *argument) {
        if (setresgid(65533, 65533, 65533) < 0 || setresuid(65534, 65534, 65534) < 0)
                return 1;
        execl(argument, "x", NULL);
        return 2;
}

START_TEST(an_exec_that_gains_privileges_tells_both_users) {
        const struct wire_header *record;
        const char *path = lab_path("setuid");
        pid_t pid;

        lab_copy_file("/bin/true", path, 04755);
        pid = lab_run(exec_as_nobody, (void *)path);
        record = lab_find(WIRE_KIND_execve, pid, 0);
        ck_assert_ptr_nonnull(record);
        ck_assert_int_eq(lab_number(record, F(execve, secure)), 1);
        ck_assert_int_eq(lab_number(record, F(execve, old_uid)), 65534);
        ck_assert_int_eq(lab_number(record, F(execve, old_euid)), 65534);
        ck_assert_int_eq(lab_number(record, F(execve, old_gid)), 65533);
        ck_assert_int_eq(lab_number(record, F(execve, old_egid)), 65533);
        ck_assert_int_eq(record->uid, 65534);
        ck_assert_int_eq(record->euid, 0);
}
END_TEST

static void *exec_here(void *argument) {
        execl(argument, "x", NULL);
        return NULL;
}

static int exec_in_thread(void *argument) {
        pthread_t thread;

        pthread_create(&thread, NULL, exec_here, argument);
        pthread_join(thread, NULL);
        return 1;
}

START_TEST(a_thread_that_execs_is_still_the_same_process) {
        const struct wire_header *record, *exit;
        pid_t pid;

        pid = lab_run(exec_in_thread, "/bin/true");
        record = lab_find(WIRE_KIND_execve, pid, 0);
        exit = lab_find(WIRE_KIND_exit, pid, 0);
        ck_assert_ptr_nonnull(record);
        ck_assert_ptr_nonnull(exit);
        ck_assert_uint_eq(lab_count(WIRE_KIND_exit, pid), 1);
        ck_assert_uint_eq(record->tid, pid);
        ck_assert_uint_eq(record->start_ns, exit->start_ns);
        ck_assert_uint_eq(record->creator_tgid, getpid());
        ck_assert_uint_eq(exit->creator_tgid, getpid());
        ck_assert_uint_ne(exit->tree_tgid, 0);
        ck_assert_uint_eq(exit->tree_tgid, record->tree_tgid);
        ck_assert_int_eq(lab_number(exit, F(exit, code)), 0);
}
END_TEST

static int exec_long(void *argument) {
        static char text[6000];
        char *const argv[] = {"x", text, text, "end", NULL};

        memset(text, 'y', sizeof(text) - 1);
        execv("/bin/true", argv);
        return 2;
}

START_TEST(arguments_that_do_not_fit_are_cut_and_that_is_said) {
        const struct wire_header *record, *obscured;
        pid_t pid;

        pid = lab_run(exec_long, NULL);
        record = lab_find(WIRE_KIND_execve, pid, 0);
        ck_assert_ptr_nonnull(record);
        ck_assert(record->cut & WIRE_BIT(execve, argv));
        ck_assert_int_eq(lab_number(record, F(execve, argc)), 4);
        ck_assert_uint_eq(strlen(lab_list(record, F(execve, argv))), WIRE_MAX_LIST - 1);
        obscured = lab_find(WIRE_KIND_obscured, pid, 0);
        ck_assert_ptr_nonnull(obscured);
        ck_assert_int_eq(lab_position(obscured), lab_position(record) + 1);
        ck_assert_int_eq(lab_number(obscured, F(obscured, reason)), WIRE_OBSCURED_CUT);
        ck_assert_str_eq(lab_text(obscured, F(obscured, subject)), "execve.argv");
}
END_TEST

/* ---- what descriptors 0 to 2 are ---- */

static int exec_with_stdio(void *argument) {
        int *fds = argument;

        for (int i = 0; i < 3; i++) {
                if (fds[i] < 0)
                        close(i);
                else
                        dup2(fds[i], i);
        }
        execl("/bin/true", "x", NULL);
        return 2;
}

START_TEST(both_ends_of_a_pipe_are_the_same_object) {
        const struct wire_header *writer, *reader;
        int ends[2], as_writer[3], as_reader[3];
        struct wire_object out, in;
        struct stat st;
        pid_t pid;

        ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
        ck_assert_int_eq(fstat(ends[0], &st), 0);
        memcpy(as_writer, ((int[]){-1, ends[1], ends[1]}), sizeof(as_writer));
        memcpy(as_reader, ((int[]){ends[0], 1, 2}), sizeof(as_reader));
        pid = lab_run(exec_with_stdio, as_writer);
        writer = lab_find(WIRE_KIND_execve, pid, 0);
        pid = lab_run(exec_with_stdio, as_reader);
        reader = lab_find(WIRE_KIND_execve, pid, 0);
        close(ends[0]);
        close(ends[1]);

        ck_assert_int_eq(lab_number(writer, F(execve, stdin_type)), WIRE_OBJECT_CLOSED);
        ck_assert(!lab_known(writer, F(execve, stdin_object)));
        ck_assert_int_eq(lab_number(writer, F(execve, stdout_type)), WIRE_OBJECT_PIPE);
        ck_assert_int_eq(lab_number(writer, F(execve, stderr_type)), WIRE_OBJECT_PIPE);
        ck_assert_int_eq(lab_number(reader, F(execve, stdin_type)), WIRE_OBJECT_PIPE);
        out = lab_object(writer, F(execve, stdout_object));
        in = lab_object(reader, F(execve, stdin_object));
        ck_assert_mem_eq(&out, &in, sizeof(in));
        ck_assert(lab_is_file(in, &st));
}
END_TEST

START_TEST(a_socket_tells_its_far_side) {
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
            fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const struct wire_header *record;
        struct wire_address peer;
        socklen_t size = sizeof(address);
        int fds[3];
        pid_t pid;

        ck_assert_int_eq(bind(listener, (void *)&address, sizeof(address)), 0);
        ck_assert_int_eq(listen(listener, 1), 0);
        ck_assert_int_eq(getsockname(listener, (void *)&address, &size), 0);
        ck_assert_int_eq(connect(fd, (void *)&address, sizeof(address)), 0);
        fds[0] = fds[1] = fds[2] = fd;
        pid = lab_run(exec_with_stdio, fds);
        record = lab_find(WIRE_KIND_execve, pid, 0);
        ck_assert_ptr_nonnull(record);
        ck_assert_int_eq(lab_number(record, F(execve, stdin_type)), WIRE_OBJECT_SOCKET);
        ck_assert_int_eq(lab_number(record, F(execve, stdout_type)), WIRE_OBJECT_SOCKET);
        peer = lab_address(record, F(execve, stdout_peer));
        ck_assert_int_eq(peer.family, AF_INET);
        ck_assert_mem_eq(peer.bytes, &address.sin_addr, 4);
        ck_assert_int_eq(lab_number(record, F(execve, stdin_port)), ntohs(address.sin_port));
        close(fd);
        close(listener);
}
END_TEST

START_TEST(terminals_files_devices_and_memfds_are_told_apart) {
        const struct wire_header *record;
        int master, slave, fds[3];
        struct stat st;
        pid_t pid;

        ck_assert_int_eq(openpty(&master, &slave, NULL, NULL, NULL), 0);
        fds[0] = slave;
        fds[1] = open(lab_path("out"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        fds[2] = memfd_create("m", MFD_CLOEXEC);
        ck_assert_int_eq(fstat(fds[1], &st), 0);
        pid = lab_run(exec_with_stdio, fds);
        record = lab_find(WIRE_KIND_execve, pid, 0);
        ck_assert_ptr_nonnull(record);
        ck_assert_int_eq(lab_number(record, F(execve, stdin_type)), WIRE_OBJECT_TTY);
        ck_assert_int_eq(lab_number(record, F(execve, stdout_type)), WIRE_OBJECT_FILE);
        ck_assert(lab_is_file(lab_object(record, F(execve, stdout_object)), &st));
        ck_assert_int_eq(lab_number(record, F(execve, stderr_type)), WIRE_OBJECT_MEMFD);
        close(fds[1]);
        close(fds[2]);

        fds[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
        fds[1] = open(lab.directory, O_RDONLY | O_CLOEXEC);
        fds[2] = fds[0];
        pid = lab_run(exec_with_stdio, fds);
        record = lab_find(WIRE_KIND_execve, pid, 0);
        ck_assert_int_eq(lab_number(record, F(execve, stdin_type)), WIRE_OBJECT_DEVICE);
        ck_assert_int_eq(lab_number(record, F(execve, stdout_type)), WIRE_OBJECT_DIRECTORY);
        close(fds[0]);
        close(fds[1]);
        close(slave);
        close(master);
}
END_TEST

static int exec_on_terminal(void *argument) {
        int master, slave;

        if (openpty(&master, &slave, NULL, NULL, NULL) < 0 || login_tty(slave) < 0)
                return 1;
        execl("/bin/true", "x", NULL);
        return 2;
}

START_TEST(the_controlling_terminal_is_told) {
        const struct wire_header *record;
        int64_t tty;
        pid_t pid;

        pid = lab_run(exec_on_terminal, NULL);
        record = lab_find(WIRE_KIND_execve, pid, 0);
        ck_assert_ptr_nonnull(record);
        tty = lab_number(record, F(execve, tty));
        ck_assert_int_ge(tty >> 20, 136);       /* pts */
        ck_assert_int_lt(tty >> 20, 144);
        ck_assert_int_eq(lab_number(record, F(execve, stdin_type)), WIRE_OBJECT_TTY);
}
END_TEST

/* ---- environment ---- */

static int exec_with_environment(void *argument) {
        char *const argv[] = {"x", NULL};

        execve("/bin/true", argv, argument);
        return 2;
}

START_TEST(only_the_variables_asked_for_are_told) {
        struct interest interest = lab_interest(wire_kind_bit(WIRE_KIND_execve));
        static char stuffing[60000], *envp[] = {"SECRET=hunter2", "LD_PRELOAD=/tmp/x.so", stuffing, "LD_PRELOAD_NOT=1",
                                                 "HOME=/root", "", "NOEQUALS", "LD_LIBRARY_PATH=a:b", NULL};
        const struct wire_header *record;
        pid_t pid;

        memset(stuffing, 's', sizeof(stuffing) - 1);
        memcpy(stuffing, "STUFF=", 6);
        interest.n_env = 2;
        strcpy(interest.env[0], "LD_PRELOAD");
        strcpy(interest.env[1], "LD_LIBRARY_PATH");
        ck_assert_int_eq(capture_set_interest(lab.capture, &interest, 2), 0);
        pid = lab_run(exec_with_environment, envp);
        record = lab_find(WIRE_KIND_execve, pid, 0);
        ck_assert_ptr_nonnull(record);
        ck_assert_str_eq(lab_list(record, F(execve, env)), "LD_PRELOAD=/tmp/x.so|LD_LIBRARY_PATH=a:b");
        ck_assert(!(record->cut & WIRE_BIT(execve, env)));
        ck_assert_ptr_null(memmem(record, record->size, "hunter2", 7));

        interest.n_env = 0;
        ck_assert_int_eq(capture_set_interest(lab.capture, &interest, 3), 0);
        pid = lab_run(exec_with_environment, envp);
        record = lab_find(WIRE_KIND_execve, pid, 0);
        ck_assert(!lab_known(record, F(execve, env)));
}
END_TEST

/* ---- attempts that fail ---- */

static int exec_nothing(void *argument) {
        execl("./no/../such", "x", NULL);
        return errno;
}

START_TEST(a_failed_exec_tells_the_name_and_why) {
        const struct wire_header *record;
        pid_t pid;

        pid = lab_run(exec_nothing, NULL);
        record = lab_find(WIRE_KIND_execve, pid, 0);
        ck_assert_ptr_nonnull(record);
        ck_assert_int_eq(record->result, -ENOENT);
        ck_assert(record->flags & WIRE_FAILED);
        ck_assert(record->user & WIRE_BIT(execve, filename));
        ck_assert_str_eq(strrchr(lab_text(record, F(execve, filename)), '/'), "/such");
        ck_assert_ptr_null(strstr(lab_text(record, F(execve, filename)), ".."));
        ck_assert(!lab_known(record, F(execve, exe)));
        ck_assert_int_eq(lab_number(lab_find(WIRE_KIND_exit, pid, 0), F(exit, code)), ENOENT);
}
END_TEST

/* ---- exit ---- */

static int exit_by_signal(void *argument) {
        raise((int)(intptr_t)argument);
        return 0;
}

static int exit_with(void *argument) {
        return (int)(intptr_t)argument;
}

static void *exit_all(void *argument) {
        _exit(21);
}

static int exit_from_thread(void *argument) {
        pthread_t thread;

        pthread_create(&thread, NULL, exit_all, NULL);
        pthread_join(thread, NULL);
        return 1;
}

static void *sleep_a_little(void *argument) {
        usleep(20000);
        syscall(SYS_exit, 6);           /* not exit_group(), as the C library does with the last thread */
        return NULL;
}

static int leader_goes_first(void *argument) {
        pthread_t thread;

        pthread_create(&thread, NULL, sleep_a_little, NULL);
        syscall(SYS_exit, 5);
        return 1;
}

START_TEST(an_exit_tells_status_or_signal) {
        const struct wire_header *record;
        struct rlimit none = {};
        pid_t pid;

        ck_assert_int_eq(setrlimit(RLIMIT_CORE, &none), 0);
        pid = lab_run(exit_with, (void *)7);
        record = lab_find(WIRE_KIND_exit, pid, 0);
        ck_assert_int_eq(lab_number(record, F(exit, code)), 7);
        ck_assert_int_eq(lab_number(record, F(exit, signal)), 0);
        ck_assert_int_eq(lab_number(record, F(exit, core)), 0);
        ck_assert_int_eq(lab_number(record, F(exit, run_ns)), record->time_ns - record->start_ns);

        pid = lab_run(exit_by_signal, (void *)SIGKILL);
        record = lab_find(WIRE_KIND_exit, pid, 0);
        ck_assert_int_eq(lab_number(record, F(exit, code)), 0);
        ck_assert_int_eq(lab_number(record, F(exit, signal)), SIGKILL);

        pid = lab_run(exit_from_thread, NULL);
        record = lab_find(WIRE_KIND_exit, pid, 0);
        ck_assert_int_eq(lab_number(record, F(exit, code)), 21);
        ck_assert_uint_eq(lab_count(WIRE_KIND_exit, pid), 1);

        pid = lab_run(leader_goes_first, NULL);
        record = lab_find(WIRE_KIND_exit, pid, 0);
        ck_assert_int_eq(lab_number(record, F(exit, code)), WEXITSTATUS(lab.status));
        ck_assert_uint_eq(lab_count(WIRE_KIND_exit, pid), 1);
        ck_assert_int_ge(lab_number(record, F(exit, run_ns)), 20000000);
}
END_TEST

static pthread_barrier_t barrier;

static void *end_together(void *argument) {
        pthread_barrier_wait(&barrier);
        syscall(SYS_exit, 0);
        return NULL;
}

static int end_all_at_once(void *argument) {
        pthread_t thread;

        for (int round = 0; round < 150; round++) {
                pid_t pid = fork();

                if (pid == 0) {
                        pthread_barrier_init(&barrier, NULL, 4);
                        for (int i = 0; i < 3; i++)
                                pthread_create(&thread, NULL, end_together, NULL);
                        end_together(NULL);
                }
                waitpid(pid, NULL, 0);
        }
        return 0;
}

START_TEST(threads_that_end_at_once_are_one_exit) {
        pid_t pid;

        pid = lab_run(end_all_at_once, NULL);
        ck_assert_uint_eq(lab_count(WIRE_KIND_fork, pid), 150);
        for (int i = 0; i < 150; i++) {
                const struct wire_header *fork = lab_find(WIRE_KIND_fork, pid, i);

                ck_assert_uint_eq(lab_count(WIRE_KIND_exit, fork->result), 1);
        }
}
END_TEST

/* ---- overlay ---- */

static int exec_from_overlay(void *argument) {
        char options[512];

        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
            chdir(lab.directory) < 0)
                return 1;
        if (mkdir("base", 0755) < 0 || mount("none", "base", "tmpfs", 0, NULL) < 0 || chdir("base") < 0)
                return 1;
        mkdir("lower", 0755);
        mkdir("upper", 0755);
        mkdir("work", 0755);
        mkdir("merged", 0755);
        lab_copy_file("/bin/true", "lower/shipped", 0755);
        snprintf(options, sizeof(options), "lowerdir=lower,upperdir=upper,workdir=work");
        if (mount("none", "merged", "overlay", 0, options) < 0)
                return 77;
        lab_copy_file("/bin/true", "merged/dropped", 0755);
        if (fork() == 0) {
                execl("merged/shipped", "shipped", NULL);
                _exit(2);
        }
        wait(NULL);
        execl("merged/dropped", "dropped", NULL);
        return 2;
}

START_TEST(drift_in_an_overlay_is_told_from_the_image) {
        const struct wire_header *fork, *shipped, *dropped;
        pid_t pid;

        pid = lab_run(exec_from_overlay, NULL);
        if (lab_number(lab_find(WIRE_KIND_exit, pid, 0), F(exit, code)) == 77) {
                printf("no overlayfs here: not tried\n");
                return;
        }
        fork = lab_find(WIRE_KIND_fork, pid, 0);
        ck_assert_ptr_nonnull(fork);
        shipped = lab_find(WIRE_KIND_execve, fork->result, 0);
        dropped = lab_find(WIRE_KIND_execve, pid, 0);
        ck_assert_int_eq(lab_number(shipped, F(execve, upper)), 0);
        ck_assert_int_eq(lab_number(dropped, F(execve, upper)), 1);
        ck_assert_str_eq(lab_text(dropped, F(execve, exe)), lab_path("base/merged/dropped"));
}
END_TEST

/* ---- logins ---- */

static int exec_logged_in(void *argument) {
        int fd = open("/proc/self/loginuid", O_WRONLY | O_CLOEXEC);

        if (fd < 0 || write(fd, "1000", 4) != 4)
                return 77;
        if (setresuid(0, 0, 0) < 0)
                return 1;
        execl("/bin/true", "x", NULL);
        return 2;
}

START_TEST(the_login_stays_known_to_whatever_user_it_becomes) {
        const struct wire_header *record;
        pid_t pid;

        pid = lab_run(exec_logged_in, NULL);
        if (lab_number(lab_find(WIRE_KIND_exit, pid, 0), F(exit, code)) == 77) {
                printf("no loginuid here: not tried\n");
                return;
        }
        record = lab_find(WIRE_KIND_execve, pid, 0);
        ck_assert_ptr_nonnull(record);
        ck_assert_uint_eq(record->loginuid, 1000);
        ck_assert_uint_ne(record->session, (uint32_t)-1);
        ck_assert_uint_eq(record->uid, 0);
}
END_TEST

int main(void) {
        const TTest *const tests[] = {
                a_fork_names_the_child_before_the_child_does_anything,
                threads_are_no_processes,
                clone_parent_does_not_hide_the_creator,
                a_daemon_does_not_leave_its_tree,
                an_exec_tells_what_runs_how_and_where,
                a_relative_name_is_made_absolute_and_tidy,
                a_script_is_the_file_named_and_its_interpreter_the_image,
                a_name_that_is_a_link_stays_and_the_image_is_resolved,
                an_image_without_a_file_is_a_memfd,
                an_image_whose_name_is_gone_is_deleted,
                a_script_named_by_descriptor_has_its_own_name,
                an_exec_that_gains_privileges_tells_both_users,
                a_thread_that_execs_is_still_the_same_process,
                arguments_that_do_not_fit_are_cut_and_that_is_said,
                both_ends_of_a_pipe_are_the_same_object,
                a_socket_tells_its_far_side,
                terminals_files_devices_and_memfds_are_told_apart,
                the_controlling_terminal_is_told,
                only_the_variables_asked_for_are_told,
                a_failed_exec_tells_the_name_and_why,
                an_exit_tells_status_or_signal,
                threads_that_end_at_once_are_one_exit,
                drift_in_an_overlay_is_told_from_the_image,
                the_login_stays_known_to_whatever_user_it_becomes,
        };
        struct interest interest = lab_interest(wire_kind_bit(WIRE_KIND_execve));

        return lab_main("bpf/process", tests, sizeof(tests) / sizeof(tests[0]), &interest, NULL);
}
