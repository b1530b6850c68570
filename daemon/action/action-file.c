/* SPDX-License-Identifier: Apache-2.0 */

/* Move a file to quarantine, and back. */

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "action/actions-private.h"
#include "action/quarantine.h"
#include "base/parse.h"
#include "base/strbuf.h"

static int open_suspect(const struct action *action, struct suspect *suspect, struct action_result *ret) {
        const char *path = action_get(action, ACTION_quarantine_path)->text;
        int r;

        r = suspect_open(path, (uint32_t)action_get(action, ACTION_quarantine_device)->number,
                         (uint64_t)action_get(action, ACTION_quarantine_inode)->number, suspect);
        switch (-r) {
        case 0: return 0;
        case ENOENT: return action_say(ret, r, "'%s' is not there any more", path);
        case ESTALE: return action_say(ret, r, "'%s' is another file by now", path);
        case ELOOP: return action_say(ret, r, "there is a link in '%s'", path);
        case EBADFD: return action_say(ret, r, "'%s' is no regular file", path);
        default: return action_say(ret, r == -EPERM ? -EACCES : r, "cannot open '%s': %s", path, strerror(-r));
        }
}

static int check_suspect(struct actions *actions, const struct suspect *suspect, struct action_result *ret) {
        const char *quarantine = actions->options.quarantine_directory ?: ACTIONS_QUARANTINE_DIRECTORY, *rest;
        _cleanup_(strbuf_done) struct strbuf why = {};
        struct stat st;

        if (guard_file(&actions->guard, suspect->path, &why) < 0)
                return action_say(ret, -EPERM, "'%s' stays: %s", suspect->path, strbuf_str(&why));
        rest = startswith(suspect->path, quarantine);
        if (rest && *rest == '/')
                return action_say(ret, -EPERM, "'%s' is in quarantine", suspect->path);
        /* Another name for one of those without which nobody gets in. */
        if (fstat(suspect->fd, &st) < 0)
                return -errno;
        ARRAY_FOREACH(file, &actions->guard.executables)
                if (file->device == st.st_dev && file->inode == st.st_ino)
                        return action_say(ret, -EPERM, "'%s' stays: it is an executable that is protected",
                                          suspect->path);
        return 0;
}

int action_check_quarantine(struct actions *actions, const struct action *action, struct action_result *ret) {
        _cleanup_(suspect_done) struct suspect suspect = {.dir_fd = -1, .fd = -1};
        int r;

        r = open_suspect(action, &suspect, ret);
        return r < 0 ? r : check_suspect(actions, &suspect, ret);
}

/* A file that is being taken. */
struct taking {
        struct actions *actions;
        struct action_pending *pending; /* NULL: it was done, or was never begun */
        struct suspect suspect;
        struct undo_entry entry;
        char name[64];                  /* in quarantine */
        int dir_fd;                     /* of it; owned */
};

static struct taking *taking_free(struct taking *taking) {
        if (!taking)
                return NULL;
        suspect_done(&taking->suspect);
        undo_entry_done(&taking->entry);
        close_fd(taking->dir_fd);
        free(taking);
        return NULL;
}
DEFINE_CLEANUP(struct taking *, taking_free)

static int remember(struct actions *actions, const struct action *action, struct taking *taking) {
        const struct suspect *suspect = &taking->suspect;
        struct undo_entry *entry = &taking->entry;
        char mode[16], mtime[48];
        int r;

        action_undo_entry(actions, action, entry);
        snprintf(mode, sizeof(mode), "%04o", suspect->mode);
        snprintf(mtime, sizeof(mtime), "%" PRId64 ".%09" PRIu32, suspect->mtime_s, suspect->mtime_ns);
        r = undo_entry_add(entry, "path", suspect->path);
        if (r >= 0)
                r = undo_entry_add(entry, "file", taking->name);
        if (r >= 0)
                r = undo_entry_add(entry, "mode", mode);
        if (r >= 0)
                r = undo_entry_add_u64(entry, "uid", suspect->uid);
        if (r >= 0)
                r = undo_entry_add_u64(entry, "gid", suspect->gid);
        if (r >= 0)
                r = undo_entry_add(entry, "mtime", mtime);
        if (r >= 0)
                r = undo_entry_add_u64(entry, "size", suspect->size);
        return r;
}

static int say_taken(const struct suspect *suspect, int r, struct action_result *ret) {
        char others[48] = "";

        if (r == -ESTALE)
                return action_say(ret, r, "'%s' was exchanged while it was moved: it is where it was", suspect->path);
        if (r == -EFBIG)
                return action_say(ret, r, "'%s' lies on another file system and is too large to be copied",
                                  suspect->path);
        if (r == -EBUSY)
                return action_say(ret, r, "'%s' stays: too many large files are being copied", suspect->path);
        if (r == -ETIMEDOUT || r == -ECANCELED || r == -ECHILD)
                return action_say(ret, r, "'%s' stays: its copy %s", suspect->path,
                                  r == -ETIMEDOUT ? "took too long" : "was not finished");
        if (r < 0)
                return action_say(ret, r == -EPERM ? -EACCES : r, "cannot move '%s': %s", suspect->path, strerror(-r));
        if (suspect->links > 1)
                snprintf(others, sizeof(others), "; it has %u other names", suspect->links - 1);
        return action_say(ret, 0, "'%s' is in quarantine%s", suspect->path, others);
}

/* ---- copied ---- */

/* All of it is there, or not: then the name is taken away. */
static int end_copy(struct taking *taking, const struct copy_answer *answer, struct action_result *ret) {
        int r;

        r = quarantine_copy_finish(taking->dir_fd, taking->name, &taking->suspect, answer);
        if (r >= 0 && !undo_entry_get(&taking->entry, "sha256"))
                (void)undo_entry_add(&taking->entry, "sha256", answer->sha256);
        ret->undo = taking->entry.id;
        action_end_undo(taking->actions, &taking->entry, r >= 0, ret);
        return say_taken(&taking->suspect, r, ret);
}

static void on_copied(const struct copy_answer *answer, void *userdata) {
        struct action_result result = {.outcome = ACTION_DONE};
        struct taking *taking = userdata;
        struct action_pending *pending = taking->pending;

        taking->actions->copying_bytes -= taking->suspect.size;
        result.error = MIN(end_copy(taking, answer, &result), 0);
        if (result.error < 0)
                result.outcome = ACTION_FAILED;
        taking_free(taking);
        action_end(pending, &result);
}

/* Takes `taking` over if it is pending. */
static int take_copy(struct actions *actions, const struct action *action, struct taking **taking,
                     struct action_result *ret) {
        const struct copy_answer never = {.error = -EBUSY};
        struct taking *t = *taking;
        struct copy_answer answer;
        struct copy copy;
        int r;

        r = quarantine_copy_begin(t->dir_fd, t->name, &t->suspect, &copy);
        if (r < 0) {
                action_end_undo(actions, &t->entry, false, ret);
                return say_taken(&t->suspect, r, ret);
        }
        if (action_is_large(actions, t->suspect.size)) {
                t->pending = action_pend(actions, action, ret);
                actions->copying_bytes += t->suspect.size;
                if (t->pending && action_copy(actions, &copy, on_copied, t) >= 0) {
                        *taking = NULL;
                        return action_say(ret, 0, "'%s' is being copied to quarantine",
                                          action_get(action, ACTION_quarantine_path)->text);
                }
                actions->copying_bytes -= t->suspect.size;
                if (t->pending)
                        action_unpend(t->pending);
                ret->outcome = ACTION_DONE;     /* the caller sees that it has failed */
                answer = never;
        } else
                copy_run(&copy, &answer);
        close_fd(copy.from);
        close_fd(copy.to);
        return end_copy(t, &answer, ret);
}

/* ---- moved ---- */

/* It is in quarantine already; somebody may have undone that meanwhile. */
static void on_hashed(const struct copy_answer *answer, void *userdata) {
        _cleanup_(taking_freep) struct taking *taking = userdata;
        _cleanup_(undo_entry_done) struct undo_entry now;

        undo_entry_init(&now);
        if (answer->error >= 0 && undo_log_read(&taking->actions->log, taking->entry.id, &now) >= 0 &&
            now.state == UNDO_DONE && undo_entry_add(&now, "sha256", answer->sha256) >= 0)
                (void)undo_log_write(&taking->actions->log, &now);
}

/* Takes `taking` over if a child hashes. */
static void hash(struct actions *actions, struct taking **taking) {
        struct taking *t = *taking;
        struct copy_answer answer;
        struct copy copy;

        if (suspect_hash_begin(&t->suspect, &copy) < 0)
                return;
        if (action_is_large(actions, t->suspect.size)) {
                if (action_copy(actions, &copy, on_hashed, t) >= 0)
                        *taking = NULL;
                else
                        close_fd(copy.from);
                return;
        }
        copy_run(&copy, &answer);
        close_fd(copy.from);
        if (answer.error >= 0)
                (void)undo_entry_add(&t->entry, "sha256", answer.sha256);
}

static int take(struct actions *actions, const struct action *action, struct taking **taking,
                struct action_result *ret) {
        struct taking *t = *taking;
        bool large = action_is_large(actions, t->suspect.size);
        int r;

        r = remember(actions, action, t);
        if (r < 0)
                return r;
        /* The action may be gone before the copy is there. */
        t->suspect.path = undo_entry_get(&t->entry, "path");
        t->suspect.name = strrchr(t->suspect.path, '/') + 1;
        if (!large)
                hash(actions, taking);
        r = action_begin_undo(actions, &t->entry, ret);
        if (r < 0)
                return r;
        r = quarantine_move(t->dir_fd, t->name, &t->suspect);
        if (r == -EXDEV)
                return take_copy(actions, action, taking, ret);
        action_end_undo(actions, &t->entry, r >= 0, ret);
        r = say_taken(&t->suspect, r, ret);
        if (r >= 0 && large)
                hash(actions, taking);
        return r;
}

int action_do_quarantine(struct actions *actions, const struct action *action, struct action_result *ret) {
        const char *directory = actions->options.quarantine_directory ?: ACTIONS_QUARANTINE_DIRECTORY;
        uint64_t bound = actions->config->response.quarantine_size_bytes, used;
        _cleanup_(taking_freep) struct taking *taking = NULL;
        int r;

        taking = calloc(1, sizeof(*taking));
        if (!taking)
                return -ENOMEM;
        *taking = (struct taking){.actions = actions, .dir_fd = -1, .suspect = {.dir_fd = -1, .fd = -1}};
        undo_entry_init(&taking->entry);
        r = open_suspect(action, &taking->suspect, ret);
        if (r >= 0)
                r = check_suspect(actions, &taking->suspect, ret);
        if (r < 0)
                return r;
        /* Of this attempt: the numbers of inodes are used again, time is not. */
        snprintf(taking->name, sizeof(taking->name), "%" PRIu64 "-%" PRIx64, actions->now_ns, taking->suspect.inode);
        taking->dir_fd = quarantine_open(directory);
        if (taking->dir_fd < 0)
                return action_say(ret, taking->dir_fd == -EPERM ? -EACCES : taking->dir_fd, "cannot open '%s': %s",
                                  directory, strerror(-taking->dir_fd));
        r = quarantine_size(taking->dir_fd, &used);
        if (r < 0)
                return r;
        used += actions->copying_bytes;
        if (used > bound || taking->suspect.size > bound - used)
                return action_say(ret, -ENOSPC, "the quarantine is full (response.quarantine_size): '%s' stays",
                                  taking->suspect.path);
        return take(actions, action, &taking, ret);
}

static int read_origin(const struct undo_entry *entry, struct quarantine_origin *ret, const char **ret_file) {
        const char *mode = undo_entry_get(entry, "mode"), *mtime = undo_entry_get(entry, "mtime"), *dot;
        uint64_t uid, gid, ns;

        ret->path = undo_entry_get(entry, "path");
        *ret_file = undo_entry_get(entry, "file");
        dot = mtime ? strchr(mtime, '.') : NULL;
        if (!ret->path || ret->path[0] != '/' || !*ret_file || strchr(*ret_file, '/') || (*ret_file)[0] == '.' ||
            !mode || !dot)
                return -EBADMSG;
        if (parse_mode_n(mode, strlen(mode), &ret->mode) < 0 ||
            parse_i64_n(mtime, (size_t)(dot - mtime), INT64_MIN, INT64_MAX, &ret->mtime_s) < 0 ||
            undo_entry_get_u64(entry, "uid", UINT32_MAX - 1, &uid) < 0 ||
            undo_entry_get_u64(entry, "gid", UINT32_MAX - 1, &gid) < 0)
                return -EBADMSG;
        /* Nine digits, with zeroes in front, which are not octal. */
        dot++;
        if (strlen(dot) != 9)
                return -EBADMSG;
        while (*dot == '0' && dot[1])
                dot++;
        if (parse_u64(dot, 0, 999999999, &ns) < 0)
                return -EBADMSG;
        ret->uid = (uint32_t)uid;
        ret->gid = (uint32_t)gid;
        ret->mtime_ns = (uint32_t)ns;
        return 0;
}

int action_undo_quarantine(struct actions *actions, struct undo_entry *entry, struct action_result *ret) {
        const char *directory = actions->options.quarantine_directory ?: ACTIONS_QUARANTINE_DIRECTORY, *file;
        struct quarantine_origin origin;
        _cleanup_(closep) int dir_fd = -1;
        int r;

        if (read_origin(entry, &origin, &file) < 0)
                return action_say(ret, -EBADMSG, "its entry does not say what the file was like");
        dir_fd = quarantine_open(directory);
        if (dir_fd < 0)
                return action_say(ret, dir_fd, "cannot open '%s': %s", directory, strerror(-dir_fd));
        r = quarantine_restore(dir_fd, file, &origin);
        if (r == -EEXIST)
                return action_say(ret, r, "there is something else at '%s' now: it stays in quarantine", origin.path);
        if (r < 0)
                return action_say(ret, r, "cannot put '%s' back to '%s': %s", file, origin.path, strerror(-r));
        return action_say(ret, 0, "'%s' is where it was", origin.path);
}
