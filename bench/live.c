/* SPDX-License-Identifier: Apache-2.0 */
/* Live - the load of the live benchmarks: what one call costs with and without the daemon, how long an alert takes, how
 * much the ring carries. bench/run starts it, with the daemon on and off in turn; by itself it knows nothing of the
 * daemon.
 *
 *      live calls DIR ROUNDS           processor time of an operation in ns, one `key value` a line
 *      live latency DIR N              opens N watched files, reads alerts (JSON lines) from standard input, prints
 *                                      percentiles, and those of waking another process by an eventfd in between
 *      live load DIR SECONDS WORKERS   opens watched files as fast as it can, prints how many
 *      live respond DIR N              opens DIR/watched N times, 20 ms apart, and waits each time for a responder's
 * SIGCONT live late DIR N                 N children open DIR/watched, connect to 127.9.8.7 at once, and wait to be
 * killed live wait SECONDS MICROSECONDS  waits for a timer again and again as the daemon's loop does, and does nothing
 *                                      else: the processor time of one wake-up is the kernel's */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BATCH 2000
#define EXEC_BATCH 40
#define MAX_ROUNDS 1000
#define MAX_ALERTS 4096
#define PAUSE_US 20000
#define PATIENCE_S 5

static uint64_t now_ns(void) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t)t.tv_sec * 1000000000ULL + (uint64_t)t.tv_nsec;
}

/* Processor time of this process. */
static uint64_t own_time_ns(void) {
        struct timespec t;

        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
        return (uint64_t)t.tv_sec * 1000000000ULL + (uint64_t)t.tv_nsec;
}

static int compare_u64(const void *a, const void *b) {
        uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

        return (x > y) - (x < y);
}

static void die(const char *what) {
        perror(what);
        exit(1);
}

static uint64_t time_opens(const char *path, int flags) {
        uint64_t start = own_time_ns();

        for (int i = 0; i < BATCH; i++) {
                int fd = open(path, flags | O_CLOEXEC);

                if (fd < 0)
                        die(path);
                close(fd);
        }
        return (own_time_ns() - start) / BATCH;
}

static uint64_t time_unrelated(void) {
        uint64_t start = own_time_ns();

        for (int i = 0; i < BATCH * 10; i++)
                syscall(SYS_getppid);
        return (own_time_ns() - start) * 10 / (BATCH * 10);  /* tenths of a ns: the differences are small */
}

/* Nobody else takes this processor from us, where that is allowed: a batch takes 25 ms. */
static void be_first(bool yes) {
        struct sched_param parameters = { .sched_priority = yes };
        int here = sched_getcpu();
        cpu_set_t set;

        CPU_ZERO(&set);
        for (int i = 0; i < CPU_SETSIZE; i++)
                if (!yes || i == here)
                        CPU_SET(i, &set);
        (void)sched_setaffinity(0, sizeof(set), &set);
        (void)sched_setscheduler(0, yes ? SCHED_FIFO : SCHED_OTHER, &parameters);
}

/* From fork to the end, processor time of both, and what the clock says. */
static void time_execs(uint64_t *ret_cpu_ns, uint64_t *ret_wall_ns) {
        be_first(true);
        for (int i = 0; i < EXEC_BATCH; i++) {
                static char *const arguments[] = { "true", NULL };
                uint64_t start = now_ns(), own = own_time_ns();
                struct rusage usage;
                pid_t pid;

                errno = posix_spawn(&pid, "/bin/true", NULL, NULL, arguments, environ);
                if (errno)
                        die("posix_spawn");
                if (wait4(pid, NULL, 0, &usage) < 0)
                        die("wait4");
                ret_wall_ns[i] = now_ns() - start;
                ret_cpu_ns[i] = own_time_ns() - own +
                        (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000000ULL +
                        (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000;
        }
        be_first(false);
}

static uint64_t median(uint64_t *values, size_t n) {
        qsort(values, n, sizeof(*values), compare_u64);
        return values[n / 2];
}

/* The mean of the quieter half, less the quietest tenth: of thousands of single times, where a median would be one step
 * of the clock. */
static double quiet(uint64_t *values, size_t n) {
        double sum = 0;

        qsort(values, n, sizeof(*values), compare_u64);
        for (size_t i = n / 10; i < n / 2; i++)
                sum += (double)values[i];
        return sum / (double)(n / 2 - n / 10);
}

static void calls(const char *dir, int rounds) {
        static uint64_t watched[MAX_ROUNDS], unwatched[MAX_ROUNDS], unrelated[MAX_ROUNDS];
        static uint64_t exec_cpu[MAX_ROUNDS * EXEC_BATCH], exec_wall[MAX_ROUNDS * EXEC_BATCH];
        char path[4096];

        snprintf(path, sizeof(path), "%s/watched", dir);
        if (rounds > MAX_ROUNDS)
                rounds = MAX_ROUNDS;
        time_opens(path, O_WRONLY);
        for (int i = 0; i < rounds; i++) {
                watched[i] = time_opens(path, O_WRONLY);
                unwatched[i] = time_opens(path, O_RDONLY);
                unrelated[i] = time_unrelated();
                time_execs(exec_cpu + i * EXEC_BATCH, exec_wall + i * EXEC_BATCH);
        }
        printf("open_watched %llu\n", (unsigned long long)median(watched, rounds));
        printf("open_unwatched %llu\n", (unsigned long long)median(unwatched, rounds));
        printf("unrelated %.1f\n", (double)median(unrelated, rounds) / 10);
        printf("exec %.0f\n", quiet(exec_cpu, (size_t)rounds * EXEC_BATCH));
        printf("exec_wall %.0f\n", quiet(exec_wall, (size_t)rounds * EXEC_BATCH));
}

/* A process that does nothing but wake up when it is called, and say when it did. */
struct sleeper {
        pid_t pid;
        int call_fd, answer_fd;
};

static struct sleeper sleeper_start(void) {
        struct sleeper sleeper = { .call_fd = eventfd(0, EFD_CLOEXEC), .answer_fd = -1 };
        uint64_t n, t;
        int fds[2];

        if (sleeper.call_fd < 0 || pipe(fds) < 0)
                die("eventfd");
        sleeper.pid = fork();
        if (sleeper.pid == 0) {
                while (read(sleeper.call_fd, &n, sizeof(n)) == sizeof(n)) {
                        t = now_ns();
                        if (write(fds[1], &t, sizeof(t)) != sizeof(t))
                                break;
                }
                _exit(0);
        }
        close(fds[1]);
        sleeper.answer_fd = fds[0];
        return sleeper;
}

static uint64_t sleeper_wake(const struct sleeper *sleeper) {
        uint64_t one = 1, t = 0, start = now_ns();

        if (write(sleeper->call_fd, &one, sizeof(one)) < 0 || read(sleeper->answer_fd, &t, sizeof(t)) != sizeof(t))
                die("eventfd");
        return t - start;
}

static void print_percentiles(const char *name, uint64_t *values, size_t n) {
        qsort(values, n, sizeof(*values), compare_u64);
        printf("%s_us_p50 %.1f\n", name, (double)values[n / 2] / 1000);
        printf("%s_us_p95 %.1f\n", name, (double)values[n - 1 - n / 20] / 1000);
        printf("%s_us_p99 %.1f\n", name, (double)values[n - 1 - n / 100] / 1000);
        printf("%s_us_max %.1f\n", name, (double)values[n - 1] / 1000);
}

/* Alerts come as JSON lines that hold the name of the file: "latency-NNNN". */
static void latency(const char *dir, int n) {
        static uint64_t took[MAX_ALERTS], woke[MAX_ALERTS];
        struct sleeper sleeper = sleeper_start();
        static char buffer[1 << 16];
        size_t have = 0, n_took = 0;
        uint64_t first = 0;

        if (n > MAX_ALERTS)
                n = MAX_ALERTS;
        for (int i = 0; i < n; i++) {
                char path[4096], name[32];
                uint64_t start, deadline;
                int fd;

                snprintf(name, sizeof(name), "latency-%04d", i);
                snprintf(path, sizeof(path), "%s/%s", dir, name);
                usleep(3000 + (unsigned)(i * 7919 % 4000));
                woke[i] = sleeper_wake(&sleeper);
                usleep(3000 + (unsigned)(i * 7919 % 4000));
                start = now_ns();
                fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
                if (fd < 0)
                        die(path);
                deadline = start + 5000000000ULL;
                for (bool seen = false; !seen;) {
                        struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
                        uint64_t t = now_ns();
                        ssize_t r;
                        char *end;

                        if (t >= deadline)
                                break;
                        if (poll(&p, 1, (int)((deadline - t) / 1000000) + 1) <= 0)
                                continue;
                        r = read(STDIN_FILENO, buffer + have, sizeof(buffer) - 1 - have);
                        t = now_ns();
                        if (r <= 0)
                                die("the alerts ended");
                        have += (size_t)r;
                        buffer[have] = 0;
                        while ((end = memchr(buffer, '\n', have))) {
                                *end = 0;
                                if (strstr(buffer, name) && !seen) {
                                        seen = true;
                                        took[n_took++] = t - start;
                                        first = i == 0 ? t - start : first;
                                }
                                have -= (size_t)(end + 1 - buffer);
                                memmove(buffer, end + 1, have);
                        }
                        if (have == sizeof(buffer) - 1)
                                have = 0;       /* an absurdly long line: not ours */
                }
                close(fd);
                unlink(path);
        }
        if (n_took == 0) {
                fprintf(stderr, "no alert came\n");
                exit(1);
        }
        kill(sleeper.pid, SIGKILL);
        waitpid(sleeper.pid, NULL, 0);
        print_percentiles("latency", took, n_took);
        print_percentiles("wake", woke, (size_t)n);
        printf("latency_us_first %.1f\n", (double)first / 1000);
        printf("alerts_missed %d\n", n - (int)n_took);
}

/* ---- what is done about alerts ---- */

/* From before the call to the signal, so the way through hook, ring, engine and script is all in it. */
static void respond(const char *dir, int n) {
        static const struct timespec patience = { .tv_sec = PATIENCE_S };
        static uint64_t took[MAX_ALERTS];
        int n_took = 0, n_missed = 0;
        char path[4096];
        sigset_t set;

        if (n > MAX_ALERTS)
                n = MAX_ALERTS;
        snprintf(path, sizeof(path), "%s/watched", dir);
        sigemptyset(&set);
        sigaddset(&set, SIGCONT);
        sigprocmask(SIG_BLOCK, &set, NULL);
        for (int i = 0; i < n; i++) {
                uint64_t start;
                int fd;

                usleep(PAUSE_US);
                start = now_ns();
                fd = open(path, O_WRONLY | O_CLOEXEC);
                if (fd < 0)
                        die(path);
                if (sigtimedwait(&set, NULL, &patience) == SIGCONT)
                        took[n_took++] = now_ns() - start;
                else
                        n_missed++;
                close(fd);
        }
        printf("responses_missed %d\n", n_missed);
        if (n_took > 0)
                print_percentiles("response", took, (size_t)n_took);
}

static void take_both_steps(const char *path, uint64_t *done_ns) {
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(9) };
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        inet_pton(AF_INET, "127.9.8.7", &address.sin_addr);
        if (fd < 0 || open(path, O_WRONLY | O_CLOEXEC) < 0 ||
            connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
                die(path);
        *done_ns = now_ns();
        sleep(PATIENCE_S);
        _exit(0);
}

/* From the last step to the end of the child. Those that never came back from it were killed at the call. */
static void late(const char *dir, int n) {
        uint64_t *done_ns = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        static uint64_t took[MAX_ALERTS];
        int n_took = 0, n_at_once = 0, n_missed = 0;
        char path[4096];

        if (done_ns == MAP_FAILED)
                die("mmap");
        if (n > MAX_ALERTS)
                n = MAX_ALERTS;
        snprintf(path, sizeof(path), "%s/watched", dir);
        for (int i = 0; i < n; i++) {
                int status;
                pid_t pid;

                usleep(PAUSE_US);
                *done_ns = 0;
                pid = fork();
                if (pid < 0)
                        die("fork");
                if (pid == 0)
                        take_both_steps(path, done_ns);
                if (waitpid(pid, &status, 0) < 0)
                        die("waitpid");
                if (!WIFSIGNALED(status))
                        n_missed++;
                else if (*done_ns == 0)
                        n_at_once++;
                else
                        took[n_took++] = now_ns() - *done_ns;
        }
        printf("killed_at_once %d\nkilled_late %d\nkills_missed %d\n", n_at_once, n_took, n_missed);
        if (n_took > 0)
                print_percentiles("late_kill", took, (size_t)n_took);
}

static void load(const char *dir, int seconds, int workers) {
        uint64_t *counts = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        uint64_t start = now_ns(), total = 0;
        char path[4096];

        if (counts == MAP_FAILED)
                die("mmap");
        if (workers > 64)
                workers = 64;
        snprintf(path, sizeof(path), "%s/watched", dir);
        for (int i = 0; i < workers; i++) {
                pid_t pid = fork();

                if (pid < 0)
                        die("fork");
                if (pid == 0) {
                        uint64_t end = start + (uint64_t)seconds * 1000000000ULL;

                        while (now_ns() < end) {
                                for (int k = 0; k < 100; k++) {
                                        int fd = open(path, O_WRONLY | O_CLOEXEC);

                                        if (fd >= 0)
                                                close(fd);
                                }
                                counts[i] += 100;
                        }
                        _exit(0);
                }
        }
        while (wait(NULL) > 0 || errno == EINTR)
                ;
        for (int i = 0; i < workers; i++)
                total += counts[i];
        printf("opens %llu\n", (unsigned long long)total);
        printf("opens_per_s %.0f\n", (double)total * 1e9 / (double)(now_ns() - start));
}

/* From start to end, so that what it takes to begin is left out. */
static void wait_again_and_again(double seconds, double microseconds) {
        int epoll_fd = epoll_create1(EPOLL_CLOEXEC),
            timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
        struct epoll_event event = { .events = EPOLLIN };
        uint64_t end, began, expired, n = 0;

        if (epoll_fd < 0 || timer_fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, timer_fd, &event) < 0)
                die("timerfd");
        setpriority(PRIO_PROCESS, 0, -20);      /* as performance.priority has it; or not */
        began = own_time_ns();
        for (end = now_ns() + (uint64_t)(seconds * 1e9); now_ns() < end; n++) {
                uint64_t at = now_ns() + (uint64_t)(microseconds * 1e3);
                struct itimerspec timer = {
                        .it_value = { .tv_sec = (time_t)(at / 1000000000ULL), .tv_nsec = (long)(at % 1000000000ULL) },
                };

                if (timerfd_settime(timer_fd, TFD_TIMER_ABSTIME, &timer, NULL) < 0 ||
                    epoll_wait(epoll_fd, &event, 1, -1) < 0 || read(timer_fd, &expired, sizeof(expired)) < 0)
                        die("timerfd");
        }
        printf("wakes %llu\n", (unsigned long long)n);
        printf("wake_cpu_us %.3f\n", (double)(own_time_ns() - began) / 1e3 / (double)(n > 0 ? n : 1));
}

int main(int argc, char **argv) {
        if (argc == 4 && strcmp(argv[1], "calls") == 0)
                calls(argv[2], atoi(argv[3]));
        else if (argc == 4 && strcmp(argv[1], "latency") == 0)
                latency(argv[2], atoi(argv[3]));
        else if (argc == 5 && strcmp(argv[1], "load") == 0)
                load(argv[2], atoi(argv[3]), atoi(argv[4]));
        else if (argc == 4 && strcmp(argv[1], "respond") == 0)
                respond(argv[2], atoi(argv[3]));
        else if (argc == 4 && strcmp(argv[1], "late") == 0)
                late(argv[2], atoi(argv[3]));
        else if (argc == 4 && strcmp(argv[1], "wait") == 0)
                wait_again_and_again(atof(argv[2]), atof(argv[3]));
        else {
                fprintf(stderr, "usage: live calls DIR ROUNDS | latency DIR N | load DIR SECONDS WORKERS\n"
                                "       live respond|late DIR N | wait SECONDS MICROSECONDS\n");
                return 2;
        }
        return 0;
}
