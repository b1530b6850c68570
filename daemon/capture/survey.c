/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/survey.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "event/schema.h"

#include "capture/bus.h"
#include "capture/hierarchy.h"
#include "capture/kernel.h"
#include "capture/hooks.h"
#include "capture/kernel.h"
#include "capture/tier.h"

#define RING_BYTES ((size_t)64 << 10)   /* nothing is read from it */

struct survey *survey_free(struct survey *survey) {
        if (!survey)
                return NULL;
        free(survey->hooks);
        free(survey);
        return NULL;
}

static enum survey_state state_of(int r) {
        return r == -EINPROGRESS ? SURVEY_UNTRIED
             : r >= 0            ? SURVEY_WORKS
             : r == -ENOENT      ? SURVEY_MISSING
             : r == -EALREADY    ? SURVEY_SPARE
                                 : SURVEY_REFUSED;
}

static void on_hook(const struct hooks_place *place, int r, void *userdata) {
        struct survey *survey = userdata;

        survey->hooks[survey->n_hooks++] = (struct survey_hook){
                .place = place->place,
                .kind = place->kind,
                .role = place->role,
                .use = place->use,
                .state = state_of(r),
                .error = state_of(r) == SURVEY_REFUSED ? r : 0,
                .why = place->why,
                .by_tier = tier_of(place->place) != CAPTURE_TIER_TRACEPOINT &&
                        survey->tiers[tier_of(place->place)].state == SURVEY_REFUSED,
        };
}

static void try_tiers(struct survey *survey) {
        for (int i = 0; i < (int)ELEMENTSOF(survey->tiers); i++) {
                struct survey_tier *tier = &survey->tiers[i];
                int r = tier_try((enum capture_tier)i, &tier->why);

                tier->state = r < 0 ? SURVEY_REFUSED : SURVEY_WORKS;
                tier->error = r < 0 ? r : 0;
        }
}

int survey_new(struct survey **ret) {
        _cleanup_(survey_freep) struct survey *survey = NULL;
        _cleanup_(hooks_freep) struct hooks *hooks = NULL;
        struct hooks_options options = {.ring_bytes = RING_BYTES};
        struct hierarchy hierarchy = {.mount_fd = -1};
        int r;

        survey = calloc(1, sizeof(*survey));
        if (!survey)
                return -ENOMEM;
        survey->hooks = calloc(hooks_n_places(), sizeof(*survey->hooks));
        if (!survey->hooks)
                return -ENOMEM;

        r = hierarchy_init(&hierarchy);
        if (r < 0)
                return r;
        options.named_hierarchy = hierarchy.named;
        options.cgroup2 = hierarchy.v2;
        survey->error = hooks_new(&options, &hooks);
        if (hooks) {
                hooks_set_wait(hooks, true);
                try_tiers(survey);
                hooks_try(hooks, on_hook, survey);
        } else
                hooks_try(NULL, on_hook, survey);
        hierarchy_done(&hierarchy);
        survey->bus = bus_is_there();

        *ret = TAKE_PTR(survey);
        return 0;
}

/* Not from a program but from the system bus, or from what cgroups come and go. */
static bool is_from_bus(enum wire_kind kind) {
        return kind == WIRE_KIND_unit || kind == WIRE_KIND_login;
}

static enum wire_kind source_of(enum wire_kind kind) {
        return kind == WIRE_KIND_container ? WIRE_KIND_cgroup : kind;
}

/* Do calls of this kind go unseen without the place? Of a kind that has only places that may be missing (dns) each of
 * them counts. */
static bool is_needed(const struct survey *survey, const struct survey_hook *hook, enum wire_kind kind) {
        if (hook->kind != kind || hook->role > HOOKS_EXTRA)
                return false;
        for (size_t i = 0; i < survey->n_hooks && hook->role == HOOKS_EXTRA; i++)
                if (survey->hooks[i].kind == kind && survey->hooks[i].role == HOOKS_NEEDED)
                        return false;
        return true;
}

bool survey_has_source(const struct survey *survey, enum wire_kind kind) {
        const struct kind_info *info = schema_kind(kind);

        if (is_from_bus(kind) || kind == WIRE_KIND_credchange || kind == WIRE_KIND_verdict ||
            (info && info->class == EVENT_META && kind != WIRE_KIND_cgroup))
                return true;
        kind = source_of(kind);
        for (size_t i = 0; i < survey->n_hooks; i++)
                if (is_needed(survey, &survey->hooks[i], kind))
                        return true;
        return false;
}

/* No hook of its own: what the calls do not explain that are seen. */
static enum survey_verdict survey_of_credchange(const struct survey *survey) {
        enum survey_verdict worst = SURVEY_WHOLE;

        for (int kind = 1; kind < _WIRE_KIND_MAX; kind++) {
                enum survey_verdict verdict;

                if (!(HOOKS_EXPLAINING_KINDS & wire_kind_bit(kind)))
                        continue;
                verdict = survey_of_kind(survey, (enum wire_kind)kind);
                if (verdict == SURVEY_UNKNOWN)
                        return SURVEY_UNKNOWN;
                if (verdict != SURVEY_WHOLE)
                        worst = SURVEY_PART;    /* still told, and too often */
        }
        return worst;
}

enum survey_verdict survey_of_kind(const struct survey *survey, enum wire_kind kind) {
        const struct kind_info *info = schema_kind(kind);
        size_t n_works = 0, n_refused = 0, n_untried = 0;

        if (is_from_bus(kind))
                return survey->bus ? SURVEY_WHOLE : SURVEY_NONE;
        if (kind == WIRE_KIND_credchange)
                return survey_of_credchange(survey);
        if (info && info->class == EVENT_META && kind != WIRE_KIND_cgroup)
                return SURVEY_WHOLE;    /* the daemon's own */
        if (kind == WIRE_KIND_verdict)
                return kernel_get()->cgroup_address ? SURVEY_WHOLE : SURVEY_NONE;       /* of lists that are in force */
        kind = source_of(kind);
        for (size_t i = 0; i < survey->n_hooks; i++) {
                const struct survey_hook *hook = survey->hooks + i;

                if (!is_needed(survey, hook, kind))
                        continue;
                n_works += hook->state == SURVEY_WORKS;
                n_refused += hook->state == SURVEY_REFUSED;
                n_untried += hook->state == SURVEY_UNTRIED;
        }
        if (n_untried > 0)
                return SURVEY_UNKNOWN;
        /* A call that the kernel does not have is none that could be missed. */
        return n_works == 0 ? SURVEY_NONE : n_refused > 0 ? SURVEY_PART : SURVEY_WHOLE;
}

bool survey_is_resolved(const struct survey *survey, enum wire_kind kind) {
        /* Hooks on paths know the mount; others see the object alone. */
        for (size_t i = 0; i < survey->n_hooks; i++)
                if (survey->hooks[i].kind == kind && survey->hooks[i].state == SURVEY_WORKS &&
                    tier_of(survey->hooks[i].place) != CAPTURE_TIER_TRACEPOINT &&
                    strstr(survey->hooks[i].place, "path_"))
                        return true;
        return false;
}

/* A place may have had another name in another kernel: one that is missing is not missed if the others work. */
enum survey_verdict survey_of_role(const struct survey *survey, enum hooks_role role) {
        size_t n_works = 0, n_untried = 0;

        for (size_t i = 0; i < survey->n_hooks; i++) {
                if (survey->hooks[i].role != role)
                        continue;
                n_works += survey->hooks[i].state == SURVEY_WORKS;
                n_untried += survey->hooks[i].state == SURVEY_UNTRIED;
                if (survey->hooks[i].state == SURVEY_REFUSED)
                        return SURVEY_NONE;     /* a beginning without its end tells nothing */
        }
        return n_untried > 0 ? SURVEY_UNKNOWN : n_works >= 2 ? SURVEY_WHOLE : SURVEY_NONE;
}
