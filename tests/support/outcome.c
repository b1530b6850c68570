/* SPDX-License-Identifier: Apache-2.0 */
#include "outcome.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"

void outcome_list_init(struct outcome_list *list) {
        *list = (struct outcome_list){};
        arena_init(&list->arena, 0);
}

void outcome_list_done(struct outcome_list *list) {
        array_done(&list->list);
        arena_done(&list->arena);
}

void outcome_put_value(enum field field, const struct value *value, struct strbuf *b) {
        switch ((enum value_type)value->type) {
        case VALUE_NUMBER:
                strbuf_put_i64(b, value->number);
                break;
        case VALUE_STRING:
        case VALUE_LIST:
                strbuf_put_text(b, value->bytes, value->length);
                break;
        case VALUE_OBJECT:
                strbuf_printf(b, "%u:%llu.%u", value->object.device, (unsigned long long)value->object.inode,
                              value->object.generation);
                break;
        case VALUE_ADDRESS: {
                char buffer[128];

                schema_format(field, value, buffer, sizeof(buffer));
                strbuf_put(b, buffer);
                break;
        }
        case VALUE_IDENTITY:
                strbuf_printf(b, "%u@%llu", value->identity.pid, (unsigned long long)value->identity.start_ns);
                break;
        case _VALUE_TYPE_MAX:
                break;
        }
}

void outcome_put(const struct outcome *o, bool without_starts, struct strbuf *b) {
        strbuf_printf(b, "%s", o->path);
        if (o->summary) {
                strbuf_printf(b, " summary=%llu key=%s%s", (unsigned long long)o->suppressed, o->key, o->captures);
                return;
        }
        strbuf_printf(b, " %s#%zu steps=", o->clock ? "before " : "", o->record);
        for (size_t i = 0; i < o->n_steps; i++) {
                strbuf_printf(b, "%s%u@", i > 0 ? "," : "", o->steps[i].number);
                if (o->steps[i].record > 0)
                        strbuf_printf(b, "#%zu", o->steps[i].record);
                else
                        strbuf_printf(b, "%llu", (unsigned long long)o->steps[i].first_ns);
                if (o->steps[i].count != 1)
                        strbuf_printf(b, "*%llu:%llu..%llu", (unsigned long long)o->steps[i].count,
                                      (unsigned long long)o->steps[i].first_ns,
                                      (unsigned long long)o->steps[i].last_ns);
        }
        strbuf_printf(b, " key=%s%s", o->key, o->captures);
        if (o->uncertain)
                strbuf_put(b, " uncertain");
        if (o->gap)
                strbuf_printf(b, " gap=%llu/%llx/%x", (unsigned long long)o->gap_count,
                              (unsigned long long)o->gap_kinds, o->gap_reasons);
        if (o->starts > 1 && !without_starts)
                strbuf_printf(b, " starts=%llu", (unsigned long long)o->starts);
}

static int compare(const void *a, const void *b) {
        _cleanup_(strbuf_done) struct strbuf x = {}, y = {};
        const struct outcome *p = a, *q = b;

        /* Sums of stories that one event began: their order is nobody's. */
        if (p->summary && q->summary && streq(p->path, q->path) && p->time_ns == q->time_ns) {
                outcome_put(p, true, &x);
                outcome_put(q, true, &y);
                return strcmp(strbuf_str(&x), strbuf_str(&y));
        }
        if (p->summary || q->summary || p->record != q->record)
                return 0;
        if (p->clock != q->clock)
                return p->clock ? -1 : 1;
        if (p->time_ns != q->time_ns)
                return p->time_ns < q->time_ns ? -1 : 1;
        if (!streq(p->path, q->path))
                return strcmp(p->path, q->path);
        outcome_put(p, true, &x);
        outcome_put(q, true, &y);
        return strcmp(strbuf_str(&x), strbuf_str(&y));
}

/* Insertion: stable, and what must not be reordered compares as equal. */
void outcome_list_sort(struct outcome_list *list) {
        for (size_t i = 1; i < list->list.n; i++)
                for (size_t j = i; j > 0 && compare(&list->list.items[j - 1], &list->list.items[j]) > 0; j--) {
                        struct outcome swap = list->list.items[j];

                        list->list.items[j] = list->list.items[j - 1];
                        list->list.items[j - 1] = swap;
                }
}

struct remembered {
        const struct outcome *first;
        uint64_t deadline_ns;
        uint64_t joined;
};

struct memory ARRAY_BODY(struct remembered);

static bool same_story(const struct outcome *a, const struct outcome *b) {
        return streq(a->path, b->path) && streq(a->key, b->key) && streq(a->captures, b->captures) &&
               streq(a->actor_exe, b->actor_exe);
}

static bool is_due(const struct remembered *m, uint64_t now_ns, const struct outcome_suppression *ending) {
        return ending ? ending->ends(m->first->path, ending->data) : m->deadline_ns < now_ns;
}

/* The deadlines before `now_ns`, the earliest first, of equal ones the oldest; joined ones are summed up. With
 * `ending`, instead, all of the paths that end. */
static int forget(struct memory *memory, uint64_t now_ns, const struct outcome_suppression *ending,
                  struct outcome_array *to) {
        for (;;) {
                struct remembered *due = NULL;
                int r;

                ARRAY_FOREACH(m, memory)
                        if (is_due(m, now_ns, ending) && (!due || m->deadline_ns < due->deadline_ns))
                                due = m;
                if (!due)
                        return 0;
                if (due->joined > 0) {
                        struct outcome summary = *due->first;

                        summary.record = 0;
                        summary.summary = true;
                        summary.suppressed = due->joined;
                        r = array_push(to, summary);
                        if (r < 0)
                                return r;
                }
                array_remove_at(memory, due - memory->items);
        }
}

static int join_or_tell(struct memory *memory, const struct outcome *o, uint64_t window_ns, struct outcome_array *to) {
        int r;

        ARRAY_FOREACH(m, memory)
                if (same_story(m->first, o)) {
                        m->joined++;
                        return 0;
                }
        r = array_push(to, *o);
        if (r >= 0 && window_ns > 0)
                r = array_push(memory,
                               ((struct remembered){ .first = o, .deadline_ns = o->time_ns + window_ns }));
        return r;
}

int outcome_suppress(struct outcome_list *list, const struct outcome_suppression *how) {
        _cleanup_(freep) struct outcome *before = NULL;
        struct outcome_array to = {};
        struct memory memory = {};
        size_t at = 0;
        int r = 0;

        for (size_t record = 1; record <= how->n_records && r >= 0; record++) {
                if (record - 1 == how->reload_before)
                        r = forget(&memory, 0, how, &to);
                for (; at < list->list.n && list->list.items[at].record == record && r >= 0; at++) {
                        const struct outcome *o = &list->list.items[at];

                        r = forget(&memory, o->time_ns, NULL, &to);
                        if (r >= 0)
                                r = join_or_tell(&memory, o, how->window_ns(o->path, how->data), &to);
                }
                if (r >= 0)
                        r = forget(&memory, how->clocks[record - 1], NULL, &to);
        }
        if (r >= 0)
                r = forget(&memory, UINT64_MAX, NULL, &to);

        before = list->list.items;      /* memory refers to it until here */
        list->list = to;
        array_done(&memory);
        return r;
}
