/* SPDX-License-Identifier: Apache-2.0 */

/* Move a file to quarantine, and back. */

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
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

static int remember(struct actions *actions, const struct action *action, const struct suspect *suspect,
                    const char *name, struct undo_entry *entry) {
        char mode[16], mtime[48], hash[SHA256_HEX];
        int r;

        action_undo_entry(actions, action, entry);
        snprintf(mode, sizeof(mode), "%04o", suspect->mode);
        snprintf(mtime, sizeof(mtime), "%" PRId64 ".%09" PRIu32, suspect->mtime_s, suspect->mtime_ns);
        r = undo_entry_add(entry, "path", suspect->path);
        if (r >= 0)
                r = undo_entry_add(entry, "file", name);
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
        if (r >= 0 && suspect_hash(suspect, hash) >= 0)
                r = undo_entry_add(entry, "sha256", hash);
        return r;
}

static int take(struct actions *actions, const struct action *action, const struct suspect *suspect, int dir_fd,
                struct action_result *ret) {
        _cleanup_(undo_entry_done) struct undo_entry entry;
        char others[48] = "";
        char name[64];
        int r;

        undo_entry_init(&entry);
        /* Of this attempt: the numbers of inodes are used again, time is not. */
        snprintf(name, sizeof(name), "%" PRIu64 "-%" PRIx64, actions->now_ns, suspect->inode);
        r = remember(actions, action, suspect, name, &entry);
        if (r >= 0)
                r = action_begin_undo(actions, &entry, ret);
        if (r < 0)
                return r;
        r = quarantine_take(dir_fd, name, suspect);
        action_end_undo(actions, &entry, r >= 0, ret);
        if (r == -ESTALE)
                return action_say(ret, r, "'%s' was exchanged while it was moved: it is where it was", suspect->path);
        if (r == -EFBIG)
                return action_say(ret, r, "'%s' lies on another file system and is too large to be copied",
                                  suspect->path);
        if (r < 0)
                return action_say(ret, r == -EPERM ? -EACCES : r, "cannot move '%s': %s", suspect->path, strerror(-r));
        if (suspect->links > 1)
                snprintf(others, sizeof(others), "; it has %u other names", suspect->links - 1);
        return action_say(ret, 0, "'%s' is in quarantine%s", suspect->path, others);
}

int action_do_quarantine(struct actions *actions, const struct action *action, struct action_result *ret) {
        const char *directory = actions->options.quarantine_directory ?: ACTIONS_QUARANTINE_DIRECTORY;
        _cleanup_(suspect_done) struct suspect suspect = {.dir_fd = -1, .fd = -1};
        uint64_t bound = actions->config->response.quarantine_size_bytes, used;
        _cleanup_(closep) int dir_fd = -1;
        int r;

        r = open_suspect(action, &suspect, ret);
        if (r >= 0)
                r = check_suspect(actions, &suspect, ret);
        if (r < 0)
                return r;
        dir_fd = quarantine_open(directory);
        if (dir_fd < 0)
                return action_say(ret, dir_fd == -EPERM ? -EACCES : dir_fd, "cannot open '%s': %s", directory,
                                  strerror(-dir_fd));
        r = quarantine_size(dir_fd, &used);
        if (r < 0)
                return r;
        if (used > bound || suspect.size > bound - used)
                return action_say(ret, -ENOSPC, "the quarantine is full (response.quarantine_size): '%s' stays",
                                  suspect.path);
        return take(actions, action, &suspect, dir_fd, ret);
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
