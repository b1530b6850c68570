/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/hooks-private.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>

#include "base/log.h"
#include "base/macro.h"

#include "capture/tier.h"

void hooks_refuse(struct hooks *hooks, size_t i, int r, const char *why) {
        hooks->answers[i] = (struct hook_answer){.r = r, .why = why};
}

bool hooks_choose_security(struct hooks *hooks, enum capture_tier best) {
        struct btf *btf = NULL;
        bool any = false;

        for (size_t i = 0; i < N_HOOKS; i++) {
                const struct hook *hook = &hooks_table[i];
                enum capture_tier tier = tier_of(hook->place);
                const char *why = NULL;
                int r;

                if (hook->use != HOOK_SECURITY || hooks->answers[i].r != 0)
                        continue;
                if (i > 0 && hooks_table[i - 1].use == HOOK_SECURITY &&
                    streq(hooks_table[i - 1].program, hook->program) && hooks->answers[i - 1].r == 0) {
                        hooks_refuse(hooks, i, -EALREADY, "not needed, a better way works");
                        continue;
                }
                if (tier < best)
                        r = -ECANCELED, why = "left out, as the configuration says";
                else
                        r = tier_try(tier, &why);
                if (r >= 0 && !btf)
                        btf = btf__load_vmlinux_btf();
                if (r >= 0)
                        r = btf ? tier_try_place(btf, hook->place) : -ENODATA;
                if (r < 0)
                        hooks_refuse(hooks, i, r, why);
                else
                        any = true;
                if (r >= 0 && streq(hook->program, "on_inode_setattr"))
                        hooks->setattr_dentry = tier_n_arguments(btf, hook->place) > 2;
        }
        btf__free(btf);
        return any;
}

int hooks_aim_security(struct hooks *hooks, char *logs) {
        int r;

        for (size_t i = 0; i < N_HOOKS; i++)
                if (hooks_table[i].use == HOOK_SECURITY)
                        (void)bpf_program__set_autoload(hooks->programs[i], false);
        for (size_t i = 0; i < N_HOOKS; i++) {
                if (hooks_table[i].use != HOOK_SECURITY || hooks->answers[i].r != 0)
                        continue;
                (void)bpf_program__set_autoload(hooks->programs[i], true);
                r = tier_aim(hooks->programs[i], hooks_table[i].place);
                if (r >= 0 && logs)
                        r = bpf_program__set_log_buf(hooks->programs[i], logs + i * HOOKS_LOG_BYTES, HOOKS_LOG_BYTES);
                if (r < 0)
                        return r;
        }
        return 0;
}

bool hooks_shed_security(struct hooks *hooks, const char *logs, int error, bool all) {
        bool found = false, any = false;

        for (size_t i = 0; i < N_HOOKS; i++) {
                bool spoken = logs && logs[i * HOOKS_LOG_BYTES];

                if (hooks_table[i].use != HOOK_SECURITY || hooks->answers[i].r != 0)
                        continue;
                any = true;
                if (!spoken)
                        continue;
                found = true;
                log_debug("%.*s", HOOKS_LOG_BYTES, logs + i * HOOKS_LOG_BYTES);
                log_notice_errno(error, "Cannot load the program for %s, going on without it: %m",
                                 hooks_table[i].place);
                hooks_refuse(hooks, i, error, "the kernel refuses our program");
        }
        if (found && !all) {
                /* Another place may take it: that is chosen anew. */
                for (size_t i = 0; i < N_HOOKS; i++)
                        if (hooks->answers[i].r == -EALREADY)
                                hooks_refuse(hooks, i, 0, NULL);
                return true;
        }
        if (!any || (!all && !logs))
                return any;             /* once more, to hear what the verifier says */
        if (!found)
                log_notice_errno(error, "Cannot load programs on security hooks, going on without them: %m");
        for (size_t i = 0; i < N_HOOKS; i++)
                if (hooks_table[i].use == HOOK_SECURITY && hooks->answers[i].r == 0)
                        hooks_refuse(hooks, i, error, "the kernel refuses our programs");
        return true;
}

/* Of a program with several places it is enough that one of them works. */
static bool hook_is_replaced(const struct hooks *hooks, size_t i) {
        for (size_t k = 0; k < N_HOOKS; k++)
                if (k != i && hooks_table[k].use == HOOK_SECURITY && hooks->answers[k].r == 0 &&
                    streq(hooks_table[k].program, hooks_table[i].program))
                        return true;
        return false;
}

size_t hooks_n_refused(const struct hooks *hooks) {
        size_t n = 0;

        for (size_t i = 0; i < N_HOOKS; i++) {
                int r = hooks->answers[i].r;

                n += r < 0 && r != -ENOENT && r != -EALREADY && r != -ECANCELED && !hook_is_replaced(hooks, i);
        }
        return n;
}
