/* SPDX-License-Identifier: Apache-2.0 */
#include "prefilter-model.h"

#include <errno.h>
#include <string.h>

#include "base/macro.h"
#include "process/process-fields.h"

void prefilter_model_done(struct prefilter_model *model) {
        array_done(&model->keys);
}

static bool text_matches(const struct prefilter *prefilter, const struct prefilter_text *text,
                         const struct value *value) {
        const char *bytes = prefilter->bytes.items + text->offset;

        if (value->length < text->length || (text->place == PREFILTER_WHOLE && value->length != text->length))
                return false;
        return memcmp(value->bytes + (text->place == PREFILTER_BACK ? value->length - text->length : 0), bytes,
                      text->length) == 0;
}

static bool network_matches(const struct prefilter_network *network, const struct wire_address *address) {
        if (network->address.family != address->family)
                return false;
        for (uint32_t i = 0; i < network->prefix; i++)
                if ((network->address.bytes[i / 8] ^ address->bytes[i / 8]) & 0x80 >> i % 8)
                        return false;
        return true;
}

static void dimension_value(const struct event *event, const struct process *actor, enum field field,
                            enum prefilter_dimension d, struct value *ret) {
        *ret = (struct value){.state = VALUE_KNOWN};
        if (field == FIELD_PROCESS_uid)
                ret->number = event->wire->uid;
        else if (field == FIELD_PROCESS_euid)
                ret->number = event->wire->euid;
        else if (d != PREFILTER_EXE && d != PREFILTER_NAME)
                event_get(event, field, ret);
        else if (actor)
                process_get(actor, event, field, ret);
        else
                *ret = (struct value){};
}

static uint64_t dimension_uses(const struct prefilter *prefilter, const struct event *event,
                               const struct process *actor, enum prefilter_dimension d) {
        const struct prefilter_kind *kind = &prefilter->kinds[event_kind(event)];
        uint64_t uses = kind->any[d];
        struct value value;

        if (kind->fields[d] == FIELD_NONE)
                return UINT64_MAX;
        dimension_value(event, actor, kind->fields[d], d, &value);
        if (value.state != VALUE_KNOWN)
                return UINT64_MAX;

        switch (d) {
        case PREFILTER_TEXT:
        case PREFILTER_EXE:
        case PREFILTER_NAME:
                ARRAY_FOREACH(text, &prefilter->texts)
                        if (text->kind == event->wire->kind && text->dimension == d &&
                            text_matches(prefilter, text, &value))
                                uses |= text->uses;
                break;
        case PREFILTER_NETWORK:
                ARRAY_FOREACH(network, &prefilter->networks)
                        if (network->kind == event->wire->kind && network_matches(network, &value.address))
                                uses |= network->uses;
                break;
        case PREFILTER_NUMBER:
        case PREFILTER_USER:
                ARRAY_FOREACH(number, &prefilter->numbers)
                        if (number->kind == event->wire->kind && number->dimension == d &&
                            number->number == value.number)
                                uses |= number->uses;
                break;
        case _PREFILTER_DIMENSION_MAX: break;
        }
        return uses;
}

static struct armed_key *find_key(struct prefilter_model *model, enum prefilter_key key, const struct identity *tree) {
        ARRAY_FOREACH(armed, &model->keys)
                if (armed->key == key && identity_equal(&armed->tree, tree))
                        return armed;
        return NULL;
}

static struct identity tree_of(const struct event *event) {
        return (struct identity){.start_ns = event->wire->tree_start_ns, .pid = event->wire->tree_tgid};
}

static bool is_armed(struct prefilter_model *model, const struct event *event) {
        struct identity tree = tree_of(event), none = {};
        const struct armed_key *of_tree = find_key(model, PREFILTER_TREE, &tree),
                               *of_host = find_key(model, PREFILTER_HOST, &none);

        return tree.pid == 0 || (of_tree && of_tree->until_ns[event->wire->kind] >= event->time_ns) ||
               (of_host && of_host->until_ns[event->wire->kind] >= event->time_ns);
}

static int arm(struct prefilter_model *model, const struct event *event, const struct prefilter_arm *arm) {
        struct identity tree = tree_of(event), none = {};
        enum prefilter_key key = tree.pid == 0 ? PREFILTER_HOST : arm->key;
        const struct identity *of = key == PREFILTER_TREE ? &tree : &none;
        struct armed_key *armed = find_key(model, key, of);
        uint64_t until = arm->horizon_ns > UINT64_MAX - event->time_ns ? UINT64_MAX : event->time_ns + arm->horizon_ns;

        if (!armed) {
                armed = array_add(&model->keys);
                if (!armed)
                        return -ENOMEM;
                armed->key = key;
                armed->tree = *of;
        }
        for (unsigned kind = 0; kind < 64; kind++)
                if (arm->kinds >> kind & 1)
                        armed->until_ns[kind] = MAX(armed->until_ns[kind], until);
        return 0;
}

uint64_t prefilter_model_uses(struct prefilter_model *model, const struct event *event, const struct process *actor) {
        const struct prefilter_kind *kind = &model->prefilter->kinds[event_kind(event)];
        uint64_t uses = UINT64_MAX;

        if (!kind->active || event->wire->flags & WIRE_SYNTHETIC)
                return uses;
        if (!is_armed(model, event))
                uses &= kind->first;
        for (int d = 0; d < _PREFILTER_DIMENSION_MAX; d++)
                uses &= dimension_uses(model->prefilter, event, actor, (enum prefilter_dimension)d);
        return uses;
}

int prefilter_model_admits(struct prefilter_model *model, const struct event *event, const struct process *actor) {
        const struct kind_info *info = schema_kind(event_kind(event));
        const struct prefilter_kind *kind = &model->prefilter->kinds[event_kind(event)];
        uint64_t uses = prefilter_model_uses(model, event, actor);

        if (!kind->active || event->wire->flags & WIRE_SYNTHETIC)
                return 1;

        for (uint32_t i = 0; i < kind->n_uses; i++)
                if (uses >> i & 1 && kind->arms[i].kinds != 0) {
                        int r = arm(model, event, &kind->arms[i]);

                        if (r < 0)
                                return r;
                }
        return uses != 0 || info->class != EVENT_EVENT;
}
