/* SPDX-License-Identifier: Apache-2.0 */
#include "lab-park.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/macro.h"
#include "capture/attach.h"

#define MAX_PLACES 1024
#define MAX_FDS 4096

int __real_attach_program(int prog_fd, const char *place, uint64_t cookie, int tracefs_fd, int cgroup_fd);
int __wrap_attach_program(int prog_fd, const char *place, uint64_t cookie, int tracefs_fd, int cgroup_fd);
pid_t __real_detach_elsewhere(const int *fds, size_t n);
pid_t __wrap_detach_elsewhere(const int *fds, size_t n);

int (*park_refuses)(const char *place);

static struct place {
        char name[96];
        uint64_t cookie;
        int prog_fd, link_fd;           /* link_fd is owned while it is parked */
        bool parked;
} places[MAX_PLACES];
static size_t n_places;
static bool ours[MAX_FDS];              /* descriptors of programs */

void park_end(void) {
        int fds[MAX_PLACES];
        size_t n = 0;
        pid_t pid;

        memset(ours, 0, sizeof(ours));
        for (size_t i = 0; i < n_places; i++)
                if (places[i].parked)
                        fds[n++] = places[i].link_fd;
        n_places = 0;
        pid = __real_detach_elsewhere(fds, n);
        if (pid > 0)
                (void)waitpid(pid, NULL, __WALL);
}

void park_begin(void) {
        DIR *directory = opendir("/proc/self/fd");
        struct dirent *entry;

        park_end();
        while (directory && (entry = readdir(directory))) {
                char path[64], target[64] = "";
                int fd = atoi(entry->d_name);

                snprintf(path, sizeof(path), "/proc/self/fd/%.20s", entry->d_name);
                if (readlink(path, target, sizeof(target) - 1) > 0 && streq(target, "anon_inode:bpf-prog") &&
                    fd < MAX_FDS)
                        ours[fd] = true;
        }
        if (directory)
                closedir(directory);
}

void park_forget(int link_fd) {
        for (size_t i = 0; i < n_places; i++)
                if (places[i].link_fd == link_fd) {
                        places[i] = places[--n_places];
                        return;
                }
}

static struct place *find_place(int prog_fd, const char *name, uint64_t cookie) {
        for (size_t i = 0; i < n_places; i++)
                if (places[i].prog_fd == prog_fd && places[i].cookie == cookie && streq(places[i].name, name))
                        return &places[i];
        return NULL;
}

int __wrap_attach_program(int prog_fd, const char *place, uint64_t cookie, int tracefs_fd, int cgroup_fd) {
        bool is_ours = prog_fd >= 0 && prog_fd < MAX_FDS && ours[prog_fd];
        int r = park_refuses ? park_refuses(place) : 0;
        struct place *found;

        if (r < 0)
                return r;
        found = is_ours ? find_place(prog_fd, place, cookie) : NULL;
        if (found && found->parked) {
                found->parked = false;
                return found->link_fd;
        }
        r = __real_attach_program(prog_fd, place, cookie, tracefs_fd, cgroup_fd);
        if (r < 0 || !is_ours || (!found && n_places == MAX_PLACES) || strlen(place) >= sizeof(found->name))
                return r;
        if (!found)
                found = &places[n_places++];
        *found = (struct place){.cookie = cookie, .prog_fd = prog_fd, .link_fd = r};
        strcpy(found->name, place);
        return r;
}

pid_t __wrap_detach_elsewhere(const int *fds, size_t n) {
        int others[MAX_PLACES];
        size_t n_others = 0;

        for (size_t i = 0; i < n; i++) {
                struct place *found = NULL;

                for (size_t j = 0; j < n_places && !found; j++)
                        if (!places[j].parked && places[j].link_fd == fds[i])
                                found = &places[j];
                if (found)
                        found->parked = true;
                else if (n_others < MAX_PLACES)
                        others[n_others++] = fds[i];
        }
        return __real_detach_elsewhere(others, n_others);
}
