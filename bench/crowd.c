/* SPDX-License-Identifier: Apache-2.0 */
/* Crowd - many processes that open files, execute programs and connect: a load for bench/run and bench/compare.
 *
 *      bench-crowd KIND DIR PROCESSES SECONDS RATE [COUNT]
 *
 * KIND is opens (of DIR/watched, and nine times as many of DIR/other), watched (opens of DIR/watched alone), execs (of
 * /bin/true), connects (a datagram socket to 127.0.0.1, so nobody has to answer) or mixed (16 opens of DIR/watched to a
 * connection and, one turn in 32, a program). RATE is of all processes together, 0 as fast as it goes; one that is
 * behind does not catch up more than 20 ms. With COUNT each process ends after so many turns. Prints `key value` lines;
 * the processor time is that of the processes and their children, without their making. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_PROCESSES 4096
#define NS_PER_S 1000000000ULL
#define MAX_BEHIND_NS 20000000ULL

struct counts {
        uint64_t watched, other, execs, connects;
        uint64_t cpu_ns;
};

struct shared {
        int n_ready, go_fds[2];
        uint64_t start_ns;
        struct counts counts[MAX_PROCESSES];
};

static struct shared *shared;
static char watched[4096], other[4096];

static void die(const char *what) {
        fprintf(stderr, "bench-crowd: %s: %s\n", what, strerror(errno));
        exit(1);
}

static uint64_t clock_ns(clockid_t clock) {
        struct timespec t;

        clock_gettime(clock, &t);
        return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static void sleep_until(uint64_t ns) {
        struct timespec t = { .tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S };

        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

static void open_one(const char *path, uint64_t *n) {
        int fd = open(path, O_WRONLY | O_CLOEXEC);

        if (fd < 0)
                die(path);
        close(fd);
        ++*n;
}

static void execute(uint64_t *n) {
        static char *const arguments[] = { "true", NULL };
        pid_t pid;

        errno = posix_spawn(&pid, "/bin/true", NULL, NULL, arguments, environ);
        if (errno)
                die("posix_spawn");
        waitpid(pid, NULL, 0);
        ++*n;
}

static void connect_one(uint64_t *n) {
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(9) };
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
                die("connect");
        close(fd);
        ++*n;
}

/* Returns how many events that was. */
static unsigned turn(const char *kind, uint64_t i, struct counts *counts) {
        switch (kind[0]) {
        case 'o':
                for (int k = 0; k < 9; k++)
                        open_one(other, &counts->other);
                open_one(watched, &counts->watched);
                return 10;
        case 'w': open_one(watched, &counts->watched); return 1;
        case 'e': execute(&counts->execs); return 1;
        case 'c': connect_one(&counts->connects); return 1;
        default:
                for (int k = 0; k < 16; k++)
                        open_one(watched, &counts->watched);
                connect_one(&counts->connects);
                if (i % 32 == 31)
                        execute(&counts->execs);
                return 17 + (i % 32 == 31);
        }
}

static void worker(const char *kind, struct counts *counts, double seconds, double rate, uint64_t count) {
        struct rusage usage;
        uint64_t end_ns, begun_ns;
        double due_ns;

        __atomic_add_fetch(&shared->n_ready, 1, __ATOMIC_SEQ_CST);
        if (read(shared->go_fds[0], &end_ns, 1) != 0)   /* until the parent closes it, or dies */
                _exit(1);
        begun_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
        end_ns = shared->start_ns + (uint64_t)(seconds * NS_PER_S);
        due_ns = (double)clock_ns(CLOCK_MONOTONIC);
        for (uint64_t i = 0; count == 0 || i < count; i++) {
                uint64_t t = clock_ns(CLOCK_MONOTONIC);
                unsigned n;

                if (t >= end_ns)
                        break;
                n = turn(kind, i, counts);
                if (rate > 0) {
                        if (due_ns + MAX_BEHIND_NS < (double)t)
                                due_ns = (double)(t - MAX_BEHIND_NS);
                        due_ns += n * NS_PER_S / rate;
                        if (due_ns > (double)t)
                                sleep_until(due_ns < (double)end_ns ? (uint64_t)due_ns : end_ns);
                }
        }
        getrusage(RUSAGE_CHILDREN, &usage);
        counts->cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - begun_ns +
                (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * NS_PER_S +
                (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000;
}

int main(int argc, char **argv) {
        struct counts all = {};
        double seconds, rate;
        uint64_t took_ns;
        int processes;

        if (argc < 6 || argc > 7 || !strchr("owecm", argv[1][0])) {
                fprintf(stderr,
                        "usage: bench-crowd opens|watched|execs|connects|mixed DIR PROCESSES SECONDS RATE [COUNT]\n");
                return 2;
        }
        processes = atoi(argv[3]);
        seconds = atof(argv[4]);
        rate = atof(argv[5]);
        if (processes < 1 || processes > MAX_PROCESSES)
                return 2;
        snprintf(watched, sizeof(watched), "%s/watched", argv[2]);
        snprintf(other, sizeof(other), "%s/other", argv[2]);
        close(open(watched, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
        close(open(other, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));

        (void)setpgid(0, 0);            /* so that all can be ended at once */
        shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (shared == MAP_FAILED)
                die("mmap");
        if (pipe(shared->go_fds) < 0)
                die("pipe");
        for (int i = 0; i < processes; i++) {
                pid_t pid = fork();

                if (pid < 0) {
                        signal(SIGTERM, SIG_IGN);
                        fprintf(stderr, "bench-crowd: no more than %d processes: %s\n", i, strerror(errno));
                        kill(0, SIGTERM);
                        return 1;
                }
                if (pid == 0) {
                        prctl(PR_SET_PDEATHSIG, SIGKILL);
                        close(shared->go_fds[1]);
                        worker(argv[1], shared->counts + i, seconds, rate / processes,
                               argc == 7 ? strtoull(argv[6], NULL, 10) : 0);
                        _exit(0);
                }
        }
        while (__atomic_load_n(&shared->n_ready, __ATOMIC_SEQ_CST) < processes)
                usleep(1000);
        usleep(100000);                 /* what their making brought about is over */
        shared->start_ns = clock_ns(CLOCK_MONOTONIC);
        close(shared->go_fds[1]);
        while (wait(NULL) > 0 || errno == EINTR)
                ;
        took_ns = clock_ns(CLOCK_MONOTONIC) - shared->start_ns;

        for (int i = 0; i < processes; i++) {
                all.watched += shared->counts[i].watched;
                all.other += shared->counts[i].other;
                all.execs += shared->counts[i].execs;
                all.connects += shared->counts[i].connects;
                all.cpu_ns += shared->counts[i].cpu_ns;
        }
        printf("watched %llu\nother %llu\nexecs %llu\nconnects %llu\n", (unsigned long long)all.watched,
               (unsigned long long)all.other, (unsigned long long)all.execs, (unsigned long long)all.connects);
        printf("seconds %.6f\ncpu_s %.6f\n", (double)took_ns / NS_PER_S, (double)all.cpu_ns / NS_PER_S);
        return 0;
}
