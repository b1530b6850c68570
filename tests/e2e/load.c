/* SPDX-License-Identifier: Apache-2.0 */
/* Load - makes events at a given rate and says how many it made.
 *
 *      load events FILE SECONDS RATE WORKERS   opens of FILE for writing, two writes of 16 bytes to each
 *      load forks N                            short processes, N of them, in four places at once
 *
 * Prints `key value` lines. The rate is of all workers together; 0: as fast as it goes. Each worker looks at the clock
 * every few dozen events and sleeps when it is ahead; if it is behind it does not catch up more than 10 ms, so that a
 * pause of the machine is not followed by a burst that nobody asked for. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_WORKERS 64
#define TURNS 16                        /* between two looks at the clock */
#define EVENTS 3                        /* of a turn */
#define NS_PER_S 1000000000ULL
#define MAX_BEHIND_NS 10000000ULL

struct counts {
        uint64_t opens, writes;
};

static void die(const char *what) {
        fprintf(stderr, "%s: %s\n", what, strerror(errno));
        exit(1);
}

static uint64_t now_ns(void) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static void sleep_until(uint64_t ns) {
        struct timespec t = { .tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S };

        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

static void worker(const char *path, uint64_t end_ns, double rate, struct counts *counts) {
        double ns_per_round = rate > 0 ? TURNS * EVENTS / rate * NS_PER_S : 0;
        double due_ns = (double)now_ns();

        for (uint64_t t = now_ns(); t < end_ns; t = now_ns()) {
                if (rate > 0) {
                        if (due_ns > (double)t)
                                sleep_until((uint64_t)due_ns);
                        else if ((double)t - due_ns > MAX_BEHIND_NS)
                                due_ns = (double)t - MAX_BEHIND_NS;
                        due_ns += ns_per_round;
                }
                for (int i = 0; i < TURNS; i++) {
                        int fd = open(path, O_WRONLY | O_CLOEXEC);

                        if (fd < 0)
                                die(path);
                        counts->opens++;
                        for (int k = 0; k < 2; k++) {
                                if (pwrite(fd, "sixteen letters", 16, 0) < 0)
                                        die(path);
                                counts->writes++;
                        }
                        close(fd);
                }
        }
}

static void events(const char *path, double seconds, double rate, int workers) {
        struct counts *counts = mmap(NULL, MAX_WORKERS * sizeof(*counts), PROT_READ | PROT_WRITE,
                                     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        uint64_t start_ns = now_ns(), took_ns;
        struct counts all = {};

        if (counts == MAP_FAILED)
                die("mmap");
        if (workers < 1 || workers > MAX_WORKERS)
                workers = MAX_WORKERS;
        close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
        for (int i = 0; i < workers; i++) {
                pid_t pid = fork();

                if (pid < 0)
                        die("fork");
                if (pid == 0) {
                        worker(path, start_ns + (uint64_t)(seconds * NS_PER_S), rate / workers, counts + i);
                        _exit(0);
                }
        }
        while (wait(NULL) > 0 || errno == EINTR)
                ;
        took_ns = now_ns() - start_ns;
        for (int i = 0; i < workers; i++) {
                all.opens += counts[i].opens;
                all.writes += counts[i].writes;
        }
        printf("opens %llu\nwrites %llu\n", (unsigned long long)all.opens, (unsigned long long)all.writes);
        printf("rate %.0f\n", (double)(all.opens + all.writes) * NS_PER_S / (double)took_ns);
}

static void forks(int n) {
        for (int i = 0; i < 4; i++)
                if (fork() == 0) {
                        for (volatile int k = i; k < n; k += 4) {
                                pid_t pid = vfork();

                                if (pid == 0)
                                        _exit(0);
                                waitpid(pid, NULL, 0);
                        }
                        _exit(0);
                }
        while (wait(NULL) > 0 || errno == EINTR)
                ;
        printf("forks %d\n", n);
}

int main(int argc, char **argv) {
        if (argc == 6 && strcmp(argv[1], "events") == 0)
                events(argv[2], atof(argv[3]), atof(argv[4]), atoi(argv[5]));
        else if (argc == 3 && strcmp(argv[1], "forks") == 0)
                forks(atoi(argv[2]));
        else {
                fprintf(stderr, "usage: load events FILE SECONDS RATE WORKERS | load forks N\n");
                return 2;
        }
        return 0;
}
