/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/macro.h"
#include "report/tune-private.h"

static bool begins(const char *text, const char *with) {
        return strncmp(text, with, strlen(with)) == 0;
}

bool tune_is_public(const char *path) {
        static const char *const places[] = {"/tmp/", "/var/tmp/", "/dev/", "/run/user/", "/run/lock/", "/proc/",
                                             "/var/lock/", "/var/crash/"};

        for (size_t i = 0; i < ELEMENTSOF(places); i++)
                if (begins(path, places[i]))
                        return true;
        return false;
}

static const char *base_of(const char *path) {
        const char *slash = strrchr(path, '/');

        return slash ? slash + 1 : path;
}

bool tune_is_interpreter(const char *exe) {
        static const char *const whole[] = {"sh",   "rsh",   "nodejs", "node", "deno", "bun",    "awk",
                                            "env",  "find",  "xargs",  "vi",   "ed",   "expect", "wish",
                                            "make", "gmake", "java",   "irb",  "jjs",  "socat"};
        static const char *const first[] = {"bash", "dash", "rbash", "zsh", "ksh", "mksh", "fish", "tcsh", "csh", "ash",
                                            "busybox", "toybox", "pwsh", "python", "pypy", "perl", "ruby", "php", "lua",
                                            "tclsh", "gawk", "mawk", "nawk", "original-awk", "guile", "gdb", "vim",
                                            "emacs", "ocaml", "julia", "Rscript", "R"};
        const char *name = base_of(exe);

        for (size_t i = 0; i < ELEMENTSOF(whole); i++)
                if (streq(name, whole[i]))
                        return true;
        for (size_t i = 0; i < ELEMENTSOF(first); i++)
                if (begins(name, first[i]))
                        return true;
        return false;
}

bool tune_args_say(const char *args) {
        static const char *const programs[] = {" -c ", " -e ", " -m "};
        const char *word = strchr(args, ' ');

        if (!word)
                return false;
        for (size_t i = 0; i < ELEMENTSOF(programs); i++)
                if (strstr(args, programs[i]))
                        return true;
        /* A script that anybody may exchange says nothing. */
        while (word && word[1] != '/')
                word = strchr(word + 1, ' ');
        return word && !tune_is_public(word + 1);
}

bool tune_file_says(const char *file_field, const char *file) {
        return !streq(file_field, "filename") || !tune_is_interpreter(file);
}

size_t tune_directory_of(const char *path, bool service) {
        static const struct {
                const char *place;
                unsigned depth;         /* a directory so deep is one thing's own; 0: none is */
        } places[] = {
                {"/etc/", 0}, {"/proc/", 0}, {"/sys/", 0}, {"/dev/", 0}, {"/boot/", 0}, {"/bin/", 0}, {"/sbin/", 0},
                {"/lib", 0}, {"/run/user/", 4}, {"/home/", 3}, {"/usr/", 4}, {"/var/", 3}, {"/run/", 2}, {"/", 2},
        };
        unsigned depth = 0, wanted = 0;

        if (tune_is_public(path) && !service)
                return 0;
        for (size_t i = 0; i < ELEMENTSOF(places); i++)
                if (begins(path, places[i].place)) {
                        wanted = places[i].depth;
                        break;
                }
        if (wanted == 0)
                return 0;
        for (const char *slash = path; (slash = strchr(slash + 1, '/'));) {
                const char *part = slash;

                while (part > path && part[-1] != '/')
                        part--;
                /* Where settings and keys of a person, or of a program, stand. */
                if (part[0] == '.')
                        wanted++;
                if (++depth >= wanted)
                        return (size_t)(slash - path) + 1;
        }
        return 0;
}

bool tune_is_service(const char *unit) {
        size_t n = strlen(unit);

        return n > 8 && streq(unit + n - 8, ".service") && !begins(unit, "user@");
}
