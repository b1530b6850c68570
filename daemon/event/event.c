/* SPDX-License-Identifier: Apache-2.0 */
#include "event/event.h"

#include <errno.h>
#include <sys/socket.h>

#include "event/schema.h"

/* All bits of a kind: its fields are counted by the list itself. */
#define KIND(id, name, class, doc) enum { N_FIELDS_##id = 0
#define FIELD(kind, type, id, name, format, flags, doc) + 1
#define END_KIND(id) };
#include "event/events.def"

/* One bit per field has to fit the masks of the header. */
#define KIND(id, name, class, doc) _Static_assert(N_FIELDS_##id <= 60, "too many fields in " name);
#define FIELD(kind, type, id, name, format, flags, doc)
#define END_KIND(id)
#include "event/events.def"

#define MASK(n) ((n) == 0 ? 0 : UINT64_MAX >> (64 - (n)))

/* `fixed` is the size of the record's struct. A string may lie anywhere behind it. */
static inline bool bytes_are_inside(const struct wire_bytes *bytes, size_t fixed, size_t size) {
        return bytes->offset >= fixed && (uint64_t)bytes->offset + bytes->length <= size;
}

/* What has to hold of a field that is known, by its type. */
static inline bool check_NUMBER(const void *record, const __s64 *number, size_t fixed, size_t size) {
        return true;
}

static inline bool check_STRING(const void *record, const struct wire_bytes *bytes, size_t fixed, size_t size) {
        return bytes_are_inside(bytes, fixed, size);
}

static inline bool check_LIST(const void *record, const struct wire_bytes *bytes, size_t fixed, size_t size) {
        return bytes_are_inside(bytes, fixed, size) &&
                (bytes->length == 0 || ((const char *)record)[bytes->offset + bytes->length - 1] == '\0');
}

static inline bool check_OBJECT(const void *record, const struct wire_object *object, size_t fixed, size_t size) {
        return true;
}

static inline bool check_ADDRESS(const void *record, const struct wire_address *address, size_t fixed, size_t size) {
        return address->family == AF_INET || address->family == AF_INET6;
}

/* Only bytes can be cut. */
#define CAN_CUT_NUMBER 0
#define CAN_CUT_STRING 1
#define CAN_CUT_LIST 1
#define CAN_CUT_OBJECT 0
#define CAN_CUT_ADDRESS 0

static const uint64_t cut_masks[_WIRE_KIND_MAX] = {
#define KIND(id, name, class, doc) [WIRE_KIND_##id] = 0
#define FIELD(kind, type, id, name, format, flags, doc) | (CAN_CUT_##type ? WIRE_BIT(kind, id) : 0)
#define END_KIND(id) ,
#include "event/events.def"
};

static inline bool masks_are_right(const struct wire_header *header, uint64_t fields, uint64_t cuttable) {
        return ((header->known & ~fields) | (header->cut & ~(header->known & cuttable)) |
                (header->user & ~header->known) | (header->stable & ~header->user)) == 0;
}

/* The process table lives on the others. */
#define CLASS_CORE 0
#define CLASS_EVENT 1
#define CLASS_META 0

static const bool can_aggregate[_WIRE_KIND_MAX] = {
#define KIND(id, name, class, doc) [WIRE_KIND_##id] = CLASS_##class,
#define FIELD(kind, type, id, name, format, flags, doc)
#define END_KIND(id)
#include "event/events.def"
};

/* `fixed`: of the kind. */
static bool aggregate_is_right(const struct wire_header *header, size_t fixed) {
        const struct wire_aggregate *aggregate = event_aggregate(&(struct event){.wire = header});

        return can_aggregate[header->kind] && header->size >= fixed + sizeof(*aggregate) && aggregate->count > 0 &&
               aggregate->count <= WIRE_MAX_AGGREGATE && aggregate->first_ns <= header->time_ns;
}

bool event_field_varies(enum field field) {
        switch ((int)field) {
        case FIELD_COMMON_result:
        case FIELD_COMMON_time:
        case FIELD_read_length:
        case FIELD_read_count:
        case FIELD_read_offset:
        case FIELD_write_length:
        case FIELD_write_count:
        case FIELD_write_offset:
        case FIELD_sendto_length:
        case FIELD_recvfrom_length: return true;
        default: return false;
        }
}

int event_parse(const void *data, size_t size, struct event *ret) {
        const struct wire_header *header = data;

        if ((uintptr_t)data % 8 != 0 || size < sizeof(*header) || size > WIRE_MAX_RECORD || size % 8 != 0)
                return -EBADMSG;
        if (header->version != WIRE_VERSION)
                return -EPROTO;
        if (header->size != size)
                return -EBADMSG;

        /* The checks are made of the list, one straight run of code per kind: no loop over a table on the hot path. */
        switch (header->kind) {
#define KIND(id, name, class, doc)                                                                                     \
        case WIRE_KIND_##id: {                                                                                         \
                const struct wire_##id *record = data;                                                                 \
                const uint64_t known = header->known;                                                                  \
                                                                                                                       \
                if (size < sizeof(*record) ||                                                                          \
                    !masks_are_right(header, MASK(N_FIELDS_##id), cut_masks[WIRE_KIND_##id]) ||                        \
                    (header->flags & WIRE_AGGREGATE && !aggregate_is_right(header, sizeof(*record))))                  \
                        return -EBADMSG;                                                                               \
                (void)known;
#define FIELD(kind, type, id, name, format, flags, doc)                                                                \
                if ((known & WIRE_BIT(kind, id)) && !check_##type(record, &record->id, sizeof(*record), size))         \
                        return -EBADMSG;
#define END_KIND(id)                                                                                                   \
                break;                                                                                                 \
        }
#include "event/events.def"

        default:
                return -EBADMSG;
        }

        *ret = (struct event){
                .wire = header,
                .time_ns = header->time_ns,
        };
        return 0;
}

/* What event_get() needs of a field, packed: the names and docs of the schema would only spread it over more cache
 * lines. */
struct slot {
        uint8_t kind;                   /* enum wire_kind; WIRE_NONE: no field of a kind */
        uint8_t bit;
        uint8_t type;                   /* enum value_type */
        bool user;                      /* always from user memory */
        uint32_t offset;
};

enum {
        PATH = FIELD_PATH,
        USER = FIELD_USER,
        TIER = FIELD_TIER,
        REQUEST = FIELD_REQUEST,
};

static const struct slot slots[_WIRE_FIELD_MAX] = {
#define KIND(id, name, class, doc)
#define FIELD(kind_id, type_id, id, name, format, flags, doc)                                                          \
        [WIRE_FIELD_##kind_id##_##id] = {                                                                              \
                .kind = WIRE_KIND_##kind_id,                                                                           \
                .bit = WIRE_FIELD_##kind_id##_##id - WIRE_BEFORE_##kind_id - 1,                                        \
                .type = VALUE_##type_id,                                                                               \
                .user = ((flags)&USER) != 0,                                                                           \
                .offset = offsetof(struct wire_##kind_id, id),                                                         \
        },
#define END_KIND(id)
#include "event/events.def"
};

static void get_common(const struct event *event, enum field field, struct value *ret) {
        const struct wire_header *header = event->wire;
        bool known = true;
        int64_t number = 0;

        if (field == FIELD_COMMON_result) {
                known = !(header->flags & WIRE_NO_RESULT);
                number = header->result;
        } else if (field == FIELD_COMMON_failed) {
                known = !(header->flags & WIRE_NO_RESULT);
                number = !!(header->flags & WIRE_FAILED);
        } else if (field == FIELD_COMMON_tid) {
                known = header->tid != 0;       /* the daemon's own records have no actor */
                number = header->tid;
        } else if (field == FIELD_COMMON_time)
                number = (int64_t)header->time_ns;
        else if (field == FIELD_COMMON_compat)
                number = !!(header->flags & WIRE_COMPAT);
        else if (field == FIELD_COMMON_call) {
                known = header->call != WIRE_CALL_NONE;
                number = header->call;
        } else
                known = false;

        *ret = (struct value){
                .number = known ? number : 0,
                .type = VALUE_NUMBER,
                .state = known ? VALUE_KNOWN : VALUE_UNKNOWN,
        };
}

void event_get(const struct event *event, enum field field, struct value *ret) {
        const struct wire_header *header = event->wire;
        const struct slot *slot;
        const void *at;
        uint64_t bit;

        if ((unsigned)field >= _WIRE_FIELD_MAX)
                return get_common(event, field, ret);

        slot = &slots[field];
        bit = UINT64_C(1) << slot->bit;
        *ret = (struct value){
                .type = slot->type,
                .state = VALUE_UNKNOWN,
        };
        /* A number that is no field has kind WIRE_NONE, and no record that was parsed is of that kind. */
        if (slot->kind != header->kind || !(header->known & bit))
                return;

        at = (const char *)header + slot->offset;
        switch ((enum value_type)slot->type) {
        case VALUE_NUMBER:
                ret->number = *(const __s64 *)at;
                break;
        case VALUE_STRING:
        case VALUE_LIST:
                ret->bytes = (const char *)header + ((const struct wire_bytes *)at)->offset;
                ret->length = ((const struct wire_bytes *)at)->length;
                break;
        case VALUE_OBJECT:
                ret->object = *(const struct wire_object *)at;
                break;
        case VALUE_ADDRESS:
                ret->address = *(const struct wire_address *)at;
                break;
        case VALUE_IDENTITY:
        case _VALUE_TYPE_MAX:
                return;
        }
        ret->state = header->cut & bit ? VALUE_CUT : VALUE_KNOWN;
        ret->user = slot->user || (header->user & bit);
        ret->stable = ret->user && (header->stable & bit);
}

enum wire_priority event_priority(enum wire_kind kind) {
        static const uint8_t priorities[_WIRE_KIND_MAX] = {
#define PRIORITY(kind, priority) [WIRE_KIND_##kind] = WIRE_PRIORITY_##priority,
#include "event/priorities.def"
        };

        return (enum wire_priority)priorities[kind];
}

const char *event_loss_to_string(enum wire_loss loss) {
        switch (loss) {
        case WIRE_LOSS_NONE: return "unknown";
        case WIRE_LOSS_RING_FULL: return "ring full";
        case WIRE_LOSS_SHARE: return "ring nearly full";
        case WIRE_LOSS_SCRATCH: return "too large";
        case WIRE_LOSS_SKIPPED: return "skipped by the kernel";
        case WIRE_LOSS_INVALID: return "invalid record";
        case WIRE_LOSS_STALLED: return "ring stalled";
        case WIRE_LOSS_BUS: return "bus away";
        case WIRE_LOSS_SAMPLED: return "sampled";
        case WIRE_LOSS_LIMITED: return "limited";
        case WIRE_LOSS_SHED: return "shed";
        case WIRE_LOSS_RESTART: return "restart";
        case _WIRE_LOSS_MAX: break;
        }
        return "unknown";
}
