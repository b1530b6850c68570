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
        else if (schema_field(field)->scope != FIELD_PROCESS)
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
        case PREFILTER_IN_UNIT:
        case PREFILTER_IN_CONTAINER:
        case PREFILTER_IN_CGROUP:
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
        case PREFILTER_FLAGS:
                for (size_t i = 0; i < ELEMENTSOF(kind->flags); i++)
                        if ((uint64_t)value.number & kind->flags[i].bits)
                                uses |= kind->flags[i].uses;
                if (event->wire->user >> schema_field(kind->fields[d])->bit & 1)
                        uses = UINT64_MAX;
                break;
        case _PREFILTER_DIMENSION_MAX: break;
        }
        return uses;
}

static void set_name(struct armed_key *key, const struct event *event, const struct process *actor, enum field field) {
        struct value value = {};

        if (actor)
                process_get(actor, event, field, &value);
        if (value.state == VALUE_KNOWN && value.length < sizeof(key->name))
                memcpy(key->name, value.bytes, value.length);
        else
                key->key = PREFILTER_HOST;
}

/* The event's key of this sort, HOST if it is not known. */
static struct armed_key key_of(const struct event *event, const struct process *actor, enum prefilter_key sort) {
        const struct wire_header *wire = event->wire;
        struct armed_key key = {.key = sort};

        switch (sort) {
        case PREFILTER_DESCENT:
                key.key = wire->creator_tgid <= 2 ? PREFILTER_HOST : PREFILTER_TREE;
                __attribute__((fallthrough));
        case PREFILTER_TREE:
                if (wire->tree_tgid == 0)
                        key.key = PREFILTER_HOST;
                if (key.key != PREFILTER_HOST)
                        key.id = (struct identity){.start_ns = wire->tree_start_ns, .pid = wire->tree_tgid};
                break;
        case PREFILTER_OF_USER: key.id.pid = wire->loginuid != UINT32_MAX ? wire->loginuid : wire->uid; break;
        case PREFILTER_UNIT: set_name(&key, event, actor, FIELD_PROCESS_unit); break;
        case PREFILTER_CONTAINER: set_name(&key, event, actor, FIELD_PROCESS_container); break;
        case PREFILTER_HOST:
        case _PREFILTER_KEY_MAX: break;
        }
        return key;
}

static struct armed_key *find_key(struct prefilter_model *model, const struct armed_key *key) {
        ARRAY_FOREACH(armed, &model->keys)
                if (armed->key == key->key && identity_equal(&armed->id, &key->id) && streq(armed->name, key->name))
                        return armed;
        return NULL;
}

/* For any of its keys. One that is not known may be any that is armed; the kernel does not look whether there is one.
 */
static bool is_armed(struct prefilter_model *model, const struct event *event, const struct process *actor) {
        for (enum prefilter_key sort = 0; sort < _PREFILTER_KEY_MAX; sort++) {
                struct armed_key key = key_of(event, actor, sort);
                const struct armed_key *armed = find_key(model, &key);

                if (sort == PREFILTER_TREE && key.key == PREFILTER_HOST)
                        return true;
                if (sort != PREFILTER_DESCENT && armed && armed->until_ns[event->wire->kind] >= event->time_ns)
                        return true;
        }
        return false;
}

static int arm(struct prefilter_model *model, const struct event *event, const struct process *actor,
               const struct prefilter_arm *arm) {
        struct armed_key key = key_of(event, actor, arm->key), *armed = find_key(model, &key);
        uint64_t until = arm->horizon_ns > UINT64_MAX - event->time_ns ? UINT64_MAX : event->time_ns + arm->horizon_ns;

        if (!armed) {
                armed = array_add(&model->keys);
                if (!armed)
                        return -ENOMEM;
                *armed = key;
        }
        for (unsigned kind = 0; kind < 64; kind++)
                if (arm->kinds >> kind & 1)
                        armed->until_ns[kind] = MAX(armed->until_ns[kind], until);
        return 0;
}

void prefilter_tally_add(struct prefilter_tally *tally, const struct prefilter_tally *other) {
        tally->n_seen += other->n_seen;
        tally->n_left_out += other->n_left_out;
        tally->n_waiting += other->n_waiting;
        for (int d = 0; d < _PREFILTER_DIMENSION_MAX; d++)
                tally->n_by[d] += other->n_by[d];
}

/* `masks`: model_masks(). */
static void count(struct prefilter_tally *tally, const uint64_t masks[static _PREFILTER_DIMENSION_MAX + 1]) {
        tally->n_left_out++;
        for (int i = 0; i <= _PREFILTER_DIMENSION_MAX; i++) {
                uint64_t others = UINT64_MAX;

                for (int k = 0; k <= _PREFILTER_DIMENSION_MAX; k++)
                        others &= k == i ? UINT64_MAX : masks[k];
                if (others != 0)
                        (*(i == _PREFILTER_DIMENSION_MAX ? &tally->n_waiting : &tally->n_by[i]))++;
        }
}

/* By dimension, and last by what is armed: which uses each of them leaves. Returns what all of them leave. */
static uint64_t model_masks(struct prefilter_model *model, const struct event *event, const struct process *actor,
                            uint64_t ret[static _PREFILTER_DIMENSION_MAX + 1]) {
        const struct prefilter_kind *kind = &model->prefilter->kinds[event_kind(event)];
        uint64_t uses = UINT64_MAX;

        if (!kind->active || event->wire->flags & WIRE_SYNTHETIC)
                return uses;
        for (int d = 0; d < _PREFILTER_DIMENSION_MAX; d++)
                uses &= ret[d] = dimension_uses(model->prefilter, event, actor, (enum prefilter_dimension)d);
        return uses & (ret[_PREFILTER_DIMENSION_MAX] = is_armed(model, event, actor) ? UINT64_MAX : kind->first);
}

uint64_t prefilter_model_uses(struct prefilter_model *model, const struct event *event, const struct process *actor) {
        uint64_t masks[_PREFILTER_DIMENSION_MAX + 1] = {};

        return model_masks(model, event, actor, masks);
}

int prefilter_model_admits(struct prefilter_model *model, const struct event *event, const struct process *actor) {
        const struct kind_info *info = schema_kind(event_kind(event));
        const struct prefilter_kind *kind = &model->prefilter->kinds[event_kind(event)];
        uint64_t masks[_PREFILTER_DIMENSION_MAX + 1] = {}, uses = model_masks(model, event, actor, masks);

        if (!kind->active || event->wire->flags & WIRE_SYNTHETIC)
                return 1;

        for (uint32_t i = 0; i < kind->n_uses; i++)
                if (uses >> i & 1 && kind->arms[i].kinds != 0) {
                        int r = arm(model, event, actor, &kind->arms[i]);

                        if (r < 0)
                                return r;
                }
        if (info->class != EVENT_EVENT)
                return 1;
        model->tally.n_seen++;
        if (uses == 0)
                count(&model->tally, masks);
        return uses != 0;
}
