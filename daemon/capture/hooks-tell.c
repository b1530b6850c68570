/* SPDX-License-Identifier: Apache-2.0 */
/* Hooks, telling - what is attached where, in words, and what could be. */
#include <errno.h>
#include <string.h>

#include "base/strbuf.h"
#include "event/schema.h"

#include "capture/attach.h"
#include "capture/hooks-private.h"

static const struct {
        enum hooks_role role;
        const char *use;
} uses[] = {
        [HOOK_CORE] = {HOOKS_NEEDED, "always"},
        [HOOK_KIND] = {HOOKS_NEEDED, "for the kind"},
        [HOOK_FAILURES] = {HOOKS_NEEDED, "for its failures"},
        [HOOK_FALLBACK] = {HOOKS_EXTRA, "if it can be"},
        [HOOK_SECURITY] = {HOOKS_EXTRA, "if it can be"},
        [HOOK_COMPAT] = {HOOKS_OF_COMPAT, "once there is a 32-bit program"},
        [HOOK_URING] = {HOOKS_OF_URING, "if it can be"},
        [HOOK_NEVER] = {HOOKS_NEEDED, "by ourselves"},
};

/* Names that are asked for are told by programs that other kinds can do without. */
static enum hooks_role role_of(const struct hook *hook) {
        return hook->kind == WIRE_KIND_dns ? HOOKS_NEEDED : uses[hook->use].role;
}

uint64_t hooks_untold(const struct hooks *hooks) {
        uint64_t known = 0, told = 0;

        for (size_t i = 0; i < N_HOOKS; i++)
                if (role_of(&hooks_table[i]) == HOOKS_NEEDED && hooks_table[i].kind != WIRE_NONE) {
                        known |= wire_kind_bit(hooks_table[i].kind);
                        if (hooks->links[i] >= 0)
                                told |= wire_kind_bit(hooks_table[i].kind);
                }
        return hooks->interest.kinds & known & ~told;
}

void hooks_describe(const struct hooks *hooks, struct strbuf *b) {
        for (int kind = 1; kind < _WIRE_KIND_MAX; kind++) {
                const char *separator = ": ";

                for (size_t i = 0; i < N_HOOKS; i++) {
                        if (hooks->links[i] < 0 || hooks_table[i].kind != kind)
                                continue;
                        if (*separator == ':')
                                strbuf_put(b, schema_kind(kind)->name);
                        strbuf_printf(b, "%s%s", separator,
                                      hooks_table[i].use == HOOK_SECURITY
                                              ? hooks_table[i].place
                                              : strrchr(hooks_table[i].place, '/') + 1);
                        separator = ", ";
                }
                if (*separator == ',')
                        strbuf_put_char(b, '\n');
        }
}

size_t hooks_n_places(void) {
        return N_HOOKS;
}

void hooks_try(struct hooks *hooks, void (*each)(const struct hooks_place *place, int r, void *userdata),
               void *userdata) {
        int fds[N_HOOKS];
        size_t n = 0;

        for (size_t i = 0; i < N_HOOKS; i++) {
                const struct hook *hook = &hooks_table[i];
                const struct hooks_place place = {.place = hook->place, .kind = hook->kind,
                                                  .role = role_of(hook), .use = uses[hook->use].use,
                                                  .why = hooks ? hooks->answers[i].why : NULL};
                int prog_fd, r = -EINPROGRESS;

                if (hooks && (hook->use == HOOK_NEVER || hooks->answers[i].r < 0))
                        r = hooks->answers[i].r;
                else if (hooks) {
                        prog_fd = hooks->prog_fds[i];
                        r = prog_fd < 0 ? -EOPNOTSUPP
                                        : attach_program(prog_fd, hook->place, hook->call, hooks->tracefs_fd,
                                                         hooks->cgroup_fd);
                        if (r >= 0) {
                                fds[n++] = r;
                                r = 0;
                        }
                }
                each(&place, r, userdata);
        }
        if (hooks)
                hooks_detach_list(hooks, fds, n);
}
