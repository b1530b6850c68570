/* SPDX-License-Identifier: Apache-2.0 */
#include "control/watch.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/macro.h"

#define CHANGES                                                                                                        \
        (IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF |        \
         IN_ATTRIB)
#define LATEST 10                       /* times the delay */
#define READS_MAX 16                    /* in one turn */

/* In this directory one name counts; or, without a name, all. */
struct spot {
        int wd;
        char *name;                     /* owned */
};

struct watch {
        sd_event *loop;                 /* borrowed */
        void (*on_change)(const char *name, void *userdata);
        void *userdata;
        char **places;                  /* owned */
        size_t n_places;
        uint64_t delay_ns, first_ns;    /* 0: nothing has changed */
        int fd;                         /* owned; of inotify */
        sd_event_source *io, *due;      /* owned */
        ARRAY(struct spot) spots;
        char name[NAME_MAX + 1];
        struct watch_stats stats;
};

/* ---- what is looked at ---- */

static void add_spot(struct watch *watch, const char *directory, const char *name) {
        bool full = watch->spots.n >= WATCH_MAX_DIRECTORIES;
        struct spot spot = {.wd = -1};

        if (!full)
                spot.wd = inotify_add_watch(watch->fd, directory, CHANGES | IN_ONLYDIR | IN_EXCL_UNLINK);
        if (spot.wd >= 0 && name)
                spot.name = strdup(name);
        if (spot.wd < 0 || (name && !spot.name) || array_push(&watch->spots, spot) < 0) {
                free(spot.name);
                watch->stats.n_refused += full || spot.wd >= 0 || errno != ENOENT;
                return;
        }
        watch->stats.n_directories++;
}

/* The directory and all below. First the watch and then the look, or what is made in between is seen by neither. */
static void add_tree(struct watch *watch, const char *directory, int depth) {
        char below[PATH_MAX];
        struct stat st;
        DIR *list;

        add_spot(watch, directory, NULL);
        list = opendir(directory);
        if (!list)
                return;
        for (struct dirent *entry; (entry = readdir(list));) {
                if (entry->d_name[0] == '.' ||
                    snprintf(below, sizeof(below), "%s/%s", directory, entry->d_name) >= (int)sizeof(below) ||
                    lstat(below, &st) < 0 || !S_ISDIR(st.st_mode))
                        continue;
                if (depth == WATCH_MAX_DEPTH)
                        watch->stats.n_refused++;
                else
                        add_tree(watch, below, depth + 1);
        }
        closedir(list);
}

/* Its name in the directory where it is, or the name of the first directory on the way that is not there. */
static void add_above(struct watch *watch, const char *place) {
        char path[PATH_MAX], *slash;
        struct stat st;

        snprintf(path, sizeof(path), "%s", place);
        while ((slash = strrchr(path, '/'))) {
                const char *directory = slash == path ? "/" : path;

                *slash = 0;
                if (stat(directory, &st) >= 0) {
                        add_spot(watch, directory, slash + 1);
                        return;
                }
        }
}

static void drop_spots(struct watch *watch) {
        for (size_t i = 0; i < watch->spots.n; i++)
                free(watch->spots.items[i].name);
        array_done(&watch->spots);
        watch->stats.n_directories = watch->stats.n_refused = 0;
        watch->io = sd_event_source_disable_unref(watch->io);
        watch->fd = close_fd(watch->fd);
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *userdata);

/* All anew: what is there now may be others of the same names. */
static int look(struct watch *watch) {
        struct stat st;
        int r;

        drop_spots(watch);
        watch->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        if (watch->fd < 0)
                return -errno;
        for (size_t i = 0; i < watch->n_places; i++) {
                add_above(watch, watch->places[i]);
                if (stat(watch->places[i], &st) >= 0 && S_ISDIR(st.st_mode))
                        add_tree(watch, watch->places[i], 1);
        }
        r = sd_event_add_io(watch->loop, &watch->io, watch->fd, EPOLLIN, on_io, watch);
        if (r >= 0)
                r = sd_event_source_set_priority(watch->io, SD_EVENT_PRIORITY_IDLE);
        if (r >= 0)
                r = sd_event_source_set_description(watch->io, "watch");
        return r;
}

/* ---- what comes ---- */

static bool is_meant(const struct watch *watch, const struct inotify_event *event) {
        size_t n = event->len > 0 ? strlen(event->name) : 0;

        if (event->mask & IN_Q_OVERFLOW)
                return true;
        if (event->mask & IN_IGNORED)
                return false;
        if (n > 0 && (event->name[0] == '.' || event->name[0] == '#' || event->name[n - 1] == '~'))
                return false;
        for (size_t i = 0; i < watch->spots.n; i++) {
                const struct spot *spot = watch->spots.items + i;

                if (spot->wd == event->wd && (!spot->name || (n > 0 && streq(spot->name, event->name))))
                        return true;
        }
        return false;
}

static int on_due(sd_event_source *source, uint64_t usec, void *userdata) {
        struct watch *watch = userdata;
        char name[NAME_MAX + 1];

        watch->first_ns = 0;
        watch->stats.n_told++;
        strcpy(name, watch->name);
        /* First look, then tell: what changes from here on is seen again. Without inotify nothing more will come. */
        (void)look(watch);
        watch->on_change(name, watch->userdata);
        return 0;
}

static int wait_for_more(struct watch *watch) {
        uint64_t now_ns = clock_boottime_ns(), due_ns;

        if (watch->first_ns == 0)
                watch->first_ns = now_ns;
        due_ns = MIN(now_ns + watch->delay_ns, watch->first_ns + LATEST * watch->delay_ns);
        if (sd_event_source_set_time(watch->due, due_ns / NSEC_PER_USEC) < 0)
                return 0;
        return sd_event_source_set_enabled(watch->due, SD_EVENT_ONESHOT);
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        struct watch *watch = userdata;
        char buffer[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
        bool changed = false;

        for (int i = 0; i < READS_MAX; i++) {
                ssize_t n = read(fd, buffer, sizeof(buffer));

                if (n <= 0)
                        break;
                for (char *p = buffer; p < buffer + n;) {
                        const struct inotify_event *event = (struct inotify_event *)p;

                        if (is_meant(watch, event)) {
                                changed = true;
                                watch->stats.n_changes++;
                                snprintf(watch->name, sizeof(watch->name), "%s", event->len > 0 ? event->name : "");
                        }
                        p += sizeof(*event) + event->len;
                }
        }
        return changed ? wait_for_more(watch) : 0;
}

int watch_new(sd_event *loop, const struct watch_options *options, void (*on_change)(const char *name, void *userdata),
              void *userdata, struct watch **ret) {
        _cleanup_(watch_freep) struct watch *watch = NULL;
        int r;

        assert(loop && options && on_change && ret);

        watch = calloc(1, sizeof(*watch));
        if (!watch)
                return -ENOMEM;
        watch->loop = loop;
        watch->on_change = on_change;
        watch->userdata = userdata;
        watch->delay_ns = options->delay_ns;
        watch->fd = -1;
        watch->places = calloc(options->n_places + 1, sizeof(*watch->places));
        if (!watch->places)
                return -ENOMEM;
        for (; watch->n_places < options->n_places; watch->n_places++) {
                watch->places[watch->n_places] = strdup(options->places[watch->n_places]);
                if (!watch->places[watch->n_places])
                        return -ENOMEM;
        }
        r = sd_event_add_time(loop, &watch->due, CLOCK_BOOTTIME, 0, 1, on_due, watch);
        if (r >= 0)
                r = sd_event_source_set_enabled(watch->due, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_source_set_priority(watch->due, SD_EVENT_PRIORITY_IDLE);
        if (r >= 0)
                r = sd_event_source_set_description(watch->due, "watch-due");
        if (r >= 0)
                r = look(watch);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(watch);
        return 0;
}

struct watch *watch_free(struct watch *watch) {
        if (!watch)
                return NULL;
        drop_spots(watch);
        sd_event_source_disable_unref(watch->due);
        for (size_t i = 0; i < watch->n_places; i++)
                free(watch->places[i]);
        free(watch->places);
        free(watch);
        return NULL;
}

void watch_stats(const struct watch *watch, struct watch_stats *ret) {
        *ret = watch->stats;
}
