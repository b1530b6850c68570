/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "cli/verb.h"
#include "policy/layout.h"
#include "policy/parser.h"
#include "policy/policy-set.h"
#include "policy/source.h"

struct fmt_params {
        bool check, write;
};

/* Where a temporary file is, until it has its name. */
struct pending {
        int fd;
        char *name;
};

static void pending_done(struct pending *pending) {
        if (pending->fd >= 0)
                close(pending->fd);
        if (pending->name)
                unlink(pending->name);
        free(pending->name);
}

/* Put a new text in the place of a file, in one step, with the owner and mode of the old one. */
static int replace_file(const char *file, const struct strbuf *text) {
        _cleanup_(pending_done) struct pending pending = {.fd = -1};
        _cleanup_(freep) char *target = NULL;
        struct stat st;

        target = realpath(file, NULL);          /* of a link the file that it leads to */
        if (!target || stat(target, &st) < 0)
                return -errno;
        if (asprintf(&pending.name, "%s.XXXXXX", target) < 0) {
                pending.name = NULL;
                return -ENOMEM;
        }
        pending.fd = mkostemp(pending.name, O_CLOEXEC);
        if (pending.fd < 0) {
                int r = -errno;

                free(TAKE_PTR(pending.name));
                return r;
        }
        if (fd_write_full(pending.fd, strbuf_str(text), text->n) < 0 ||
            (fchown(pending.fd, st.st_uid, st.st_gid) < 0 && errno != EPERM) ||
            fchmod(pending.fd, st.st_mode & 07777) < 0 || fsync(pending.fd) < 0 || rename(pending.name, target) < 0)
                return errno > 0 ? -errno : -EIO;
        free(TAKE_PTR(pending.name));
        return 0;
}

/* NAME.policy.d/10-local.conf is read by other rules. */
static bool is_drop_in(const char *name) {
        size_t n = strlen(name);

        return n > 5 && streq(name + n - 5, ".conf");
}

static int parse(struct arena *arena, const char *name, const char *text, size_t n, struct diag_set *diags,
                 struct file_node **ret) {
        static const struct file_node extended = {};    /* nobody looks into it */
        const struct source *source;
        int r;

        r = source_new(arena, name, text, n, &source);
        if (r >= 0)
                r = is_drop_in(name) ? parser_parse_drop_in(source, arena, diags, &extended, ret)
                                     : parser_parse(source, arena, diags, ret);
        return r < 0 ? r : diags ? diag_set_result(diags) : 0;
}

static void print_messages(const char *name, const char *text, size_t n, struct diag_set *diags) {
        const struct diag_source source = {.file = name, .text = text, .n = n};
        _cleanup_(strbuf_done) struct strbuf b = {};

        diag_set_sort(diags);
        diag_set_put_text(diags, &source, 1, &b);
        (void)fd_write_full(STDERR_FILENO, strbuf_str(&b), b.n);
}

/* A formatter that changes what is said does more harm than any layout does good: what is to be written is read again
 * and compared. */
static int format(const char *name, const char *text, size_t n, struct strbuf *ret) {
        _cleanup_(arena_done) struct arena arena = {};
        _cleanup_(diag_set_done) struct diag_set diags = {};
        struct file_node *before, *after;
        int r;

        diag_set_init(&diags, 0);
        r = parse(&arena, name, text, n, &diags, &before);
        if (r == -EBADMSG)
                print_messages(name, text, n, &diags);
        if (r < 0)
                return r;

        r = layout_text(text, n, ret);
        if (r >= 0)
                r = parse(&arena, name, strbuf_str(ret), ret->n, NULL, &after);
        if (r >= 0 && !file_node_equal(before, after))
                r = -EBADMSG;
        if (r == -EBADMSG)
                log_error("'%s' would not mean the same in its new form, and is left as it is: this is a mistake of "
                          "the formatter",
                          name);
        return r;
}

static enum exit_status format_file(const struct fmt_params *params, const char *file) {
        _cleanup_(strbuf_done) struct strbuf b = {};
        _cleanup_(freep) char *text = NULL;
        bool in = streq(file, "-");
        size_t n;
        int r;

        r = in ? fd_read_all(STDIN_FILENO, POLICY_MAX_FILE_BYTES, &text, &n)
               : read_file_at(AT_FDCWD, file, POLICY_MAX_FILE_BYTES, &text, &n);
        if (r < 0) {
                log_error_errno(r, "Cannot read '%s': %m", file);
                return EXIT_STATUS_POLICIES;
        }

        r = format(in ? "standard input" : file, text, n, &b);
        if (r == -EBADMSG)
                return EXIT_STATUS_FAILURE;
        if (r < 0) {
                log_error_errno(r, "Cannot format '%s': %m", file);
                return EXIT_STATUS_FAILURE;
        }
        if (!params->check && !params->write)
                return verb_print(&b) == EXIT_STATUS_SUCCESS ? EXIT_STATUS_SUCCESS : EXIT_STATUS_FAILURE;
        if (b.n == n && memcmp(strbuf_str(&b), text, n) == 0)
                return EXIT_STATUS_SUCCESS;

        if (params->check) {
                strbuf_clear(&b);
                strbuf_printf(&b, "%s\n", file);
                (void)verb_print(&b);
                return EXIT_STATUS_FAILURE;
        }
        r = replace_file(file, &b);
        if (r < 0) {
                log_error_errno(r, "Cannot write '%s', which is as it was: %m", file);
                return EXIT_STATUS_FAILURE;
        }
        return EXIT_STATUS_SUCCESS;
}

static int run(const struct verb *verb, int argc, char *argv[]) {
        enum exit_status status = EXIT_STATUS_SUCCESS, s;
        struct fmt_params params = {};
        const struct verb_option options[] = {
                {"check", OPTION_FLAG, .flag = &params.check},
                {"write", OPTION_FLAG, .flag = &params.write},
                {},
        };
        status = verb_options(verb, argc, argv, options);
        if (status != EXIT_STATUS_SUCCESS)
                return status;
        if (params.check && params.write) {
                log_error("--check changes nothing, --write does: one of them");
                return verb_usage(verb);
        }
        if (optind == argc) {
                log_error("No file to format, or - for standard input");
                return verb_usage(verb);
        }

        for (int i = optind; i < argc; i++) {
                if (streq(argv[i], "-") && params.write) {
                        log_error("Standard input cannot be written back; without --write its new form is printed");
                        return verb_usage(verb);
                }
                s = format_file(&params, argv[i]);
                status = MAX(status, s);
        }
        return status;
}

const struct verb verb_fmt = {
        .name = "fmt",
        .arguments = "[--check|--write] FILE...",
        .summary = "Print policies in their canonical form, comments and all",
        .help = "  --check  print the names of files that have another form, change nothing; exit status 1 if there "
                "are "
                "any\n"
                "  --write  put the canonical form in the place of the file, in one step, if it differs\n"
                "\n"
                "FILE may be -, standard input: editors pipe a buffer through `execrayctl fmt -`. The author's line "
                "breaks stand, but\n"
                "each statement begins a line and a line longer than 120 columns is broken; indent is 4; signs of "
                "properties, braces of\n"
                "short steps and comments behind lines stand below each other. Nothing is added, left out or "
                "reordered: the new text\n"
                "is read again and has to mean the same, and a second run changes nothing. A file with faults is left "
                "alone, and the\n"
                "faults are told.\n",
        .run = run,
};
