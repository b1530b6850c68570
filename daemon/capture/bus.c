/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/bus.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/macro.h"

#include "capture/bus-private.h"

#define PATIENCE_MIN_NS NSEC_PER_SEC
#define PATIENCE_MAX_NS NSEC_PER_MIN

#define DRIVER "org.freedesktop.DBus"
#define DRIVER_PATH "/org/freedesktop/DBus"
#define PROPERTIES "org.freedesktop.DBus.Properties"

static void bus_try(struct bus *bus);
static void forget_questions(struct bus_service *service);

/* ---- services ---- */

static bool is_wanted(const struct bus *bus, const struct bus_service *service) {
        return bus->kinds & wire_kind_bit(service->ops->kind);
}

bool bus_is_from(struct bus *bus, enum bus_service_number number, sd_bus_message *message) {
        const struct bus_service *service = bus->services + number;
        const char *sender = sd_bus_message_get_sender(message);

        if (!is_wanted(bus, service))
                return false;
        if (service->owner[0] && sender && streq(sender, service->owner))
                return true;
        if (service->owner[0])
                bus->stats.n_forged++;
        return false;
}

int bus_complain(struct bus *bus, enum bus_service_number number, const sd_bus_error *error) {
        static struct log_limit limit = LOG_ONCE_A_MINUTE;

        log_limited(&limit, LOG_WARNING, 0, "%s does not answer on the bus, its events may be incomplete: %s",
                    bus->services[number].ops->people, error && error->message ? error->message : "no reason given");
        return 0;
}

void bus_is_ready(struct bus *bus, enum bus_service_number number) {
        struct bus_service *service = bus->services + number;

        service->ready = true;
        log_info("%s is watched on the bus", service->ops->people);
        service->was_ready = true;
}

void bus_tell(struct bus *bus, bool mended) {
        bus->record.header.flags = WIRE_SYNTHETIC | (mended ? WIRE_MENDED : 0);
        bus->sink.on_record(&bus->record, bus->userdata);
}

/* From here on it is not heard. */
static void lose(struct bus *bus, struct bus_service *service) {
        bool ready = service->ready;

        service->owner[0] = 0;
        service->ready = false;
        forget_questions(service);
        if (!ready)
                return;
        bus->stats.n_lost++;
        bus->sink.on_gap(wire_kind_bit(service->ops->kind), bus->userdata);
}

static void set_owner(struct bus *bus, struct bus_service *service, const char *owner) {
        int r;

        if (streq(service->owner, owner))
                return;
        lose(bus, service);
        if (!*owner || strlen(owner) >= sizeof(service->owner))
                return;
        strcpy(service->owner, owner);
        /* What was missed until now was missed by the stories that began meanwhile, too. */
        if (service->was_ready)
                bus->sink.on_gap(wire_kind_bit(service->ops->kind), bus->userdata);
        bus->round++;
        r = service->ops->begin(bus);
        if (r < 0)
                log_warning_errno(r, "Cannot ask %s on the bus, its events are not told: %m", service->ops->people);
}

static struct bus_service *find_service(struct bus *bus, const char *name) {
        for (size_t i = 0; i < _BUS_SERVICE_MAX; i++)
                if (streq(bus->services[i].ops->name, name))
                        return bus->services + i;
        return NULL;
}

static int on_owner_changed(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        struct bus *bus = userdata;
        const char *name, *old, *new, *sender = sd_bus_message_get_sender(message);
        struct bus_service *service;

        if (!sender || !streq(sender, DRIVER)) {
                bus->stats.n_forged++;
                return 0;
        }
        if (sd_bus_message_read(message, "sss", &name, &old, &new) < 0)
                return 0;
        service = find_service(bus, name);
        if (service && is_wanted(bus, service))
                set_owner(bus, service, new);
        return 0;
}

static int on_owner(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        struct bus_service *service = userdata;
        struct bus *bus = container_of(service - (service->ops == &bus_logind ? BUS_LOGIND : BUS_SYSTEMD), struct bus,
                                       services[0]);
        const char *owner;

        if (sd_bus_message_is_method_error(reply, NULL)) {
                log_notice("%s is not on the bus: no `%s` events until it is", service->ops->people,
                           schema_kind(service->ops->kind)->name);
                return 0;
        }
        if (sd_bus_message_read(reply, "s", &owner) >= 0 && is_wanted(bus, service) && !service->owner[0])
                set_owner(bus, service, owner);
        return 0;
}

static int ask_owner(struct bus *bus, struct bus_service *service) {
        return sd_bus_call_method_async(bus->connection, NULL, DRIVER, DRIVER_PATH, DRIVER, "GetNameOwner", on_owner,
                                        service, "s", service->ops->name);
}

bool bus_is_answer(sd_bus_message *reply) {
        return reply && !sd_bus_message_is_method_error(reply, NULL);
}

static int on_answer(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        struct bus_question *question = userdata;

        return question->on_answer(reply, question);
}

static void ask_next(struct bus *bus, struct bus_service *service);

static void question_done(void *userdata) {
        struct bus_question *question = userdata;
        struct bus *bus = question->bus;
        struct bus_service *service = bus->services + question->number;

        service->n_open--;
        free(question);
        ask_next(bus, service);
}

static int put_question(struct bus *bus, struct bus_service *service, struct bus_question *question) {
        const char *name = service->ops->name;
        sd_bus_slot *slot = NULL;
        int r;

        r = question->property ? sd_bus_call_method_async(bus->connection, &slot, name, question->path, PROPERTIES,
                                                          "Get", on_answer, question, "ss", question->interface,
                                                          question->property)
                               : sd_bus_call_method_async(bus->connection, &slot, name, question->path, PROPERTIES,
                                                          "GetAll", on_answer, question, "s", question->interface);
        if (r < 0)
                return r;
        service->n_open++;
        (void)sd_bus_slot_set_destroy_callback(slot, question_done);
        (void)sd_bus_slot_set_floating(slot, true);
        sd_bus_slot_unref(slot);
        return 0;
}

static struct bus_question *take_waiting(struct bus_service *service) {
        struct bus_question *question = service->first;

        if (!question)
                return NULL;
        service->first = question->next;
        if (!service->first)
                service->last = NULL;
        service->n_waiting--;
        return question;
}

static void ask_next(struct bus *bus, struct bus_service *service) {
        struct bus_question *question;

        while (bus->connection && service->n_open < BUS_MAX_OPEN && (question = take_waiting(service)))
                if (put_question(bus, service, question) < 0) {
                        (void)question->on_answer(NULL, question);
                        free(question);
                }
}

int bus_ask(struct bus *bus, enum bus_service_number number, const char *path, const char *interface,
            const char *property, const char *name, uint32_t tag,
            int (*answer)(sd_bus_message *reply, struct bus_question *question)) {
        struct bus_service *service = bus->services + number;
        size_t n = strlen(name) + 1, m = strlen(path) + 1;
        struct bus_question *question = NULL;

        if (service->n_open + service->n_waiting < BUS_MAX_QUESTIONS)
                question = calloc(1, sizeof(*question) + n + m);
        if (!question) {
                bus->stats.n_refused++;
                return -ENOSPC;
        }
        question->bus = bus;
        question->number = number;
        question->tag = tag;
        question->interface = interface;
        question->property = property;
        question->on_answer = answer;
        question->path = question->name + n;
        memcpy(question->name, name, n);
        memcpy(question->path, path, m);
        if (service->last)
                service->last->next = question;
        else
                service->first = question;
        service->last = question;
        service->n_waiting++;
        ask_next(bus, service);
        return 0;
}

static void forget_questions(struct bus_service *service) {
        struct bus_question *question;

        while ((question = take_waiting(service)))
                free(question);
}

/* ---- the connection ---- */

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        bus_try(userdata);
        return 0;
}

static void try_after(struct bus *bus, uint64_t wait_ns) {
        bus->next_ns = clock_boottime_ns() + wait_ns;
        if (!bus->loop)
                return;
        if (!bus->timer &&
            (sd_event_add_time(bus->loop, &bus->timer, CLOCK_BOOTTIME, 0, 0, on_timer, bus) < 0 ||
             sd_event_source_set_description(bus->timer, "bus-again") < 0))
                return;
        (void)sd_event_source_set_time(bus->timer, bus->next_ns / NSEC_PER_USEC);
        (void)sd_event_source_set_enabled(bus->timer, SD_EVENT_ONESHOT);
}

static void try_later(struct bus *bus) {
        uint64_t wait_ns = bus->patience_ns;

        bus->patience_ns = MIN(bus->patience_ns * 2, PATIENCE_MAX_NS);
        try_after(bus, wait_ns);
}

static void disconnect(struct bus *bus) {
        sd_bus *connection = TAKE_PTR(bus->connection);

        for (size_t i = 0; i < _BUS_SERVICE_MAX; i++) {
                lose(bus, bus->services + i);
                forget_questions(bus->services + i);
        }
        if (!connection)
                return;
        sd_bus_detach_event(connection);
        sd_bus_close_unref(connection);
}

static void say_missing(struct bus *bus, int r) {
        if (!bus->said)
                log_notice_errno(r, "Cannot reach the system bus: no `unit` and `login` events until it is there: %m");
        bus->said = true;
}

static int on_disconnected(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        struct bus *bus = userdata;

        say_missing(bus, -ECONNRESET);
        disconnect(bus);
        try_later(bus);
        return 0;
}

/* The first answer on a connection: now it is one. */
static int on_installed(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        struct bus *bus = userdata;

        if (sd_bus_message_is_method_error(message, NULL))
                return 0;
        bus->stats.n_connected++;
        bus->patience_ns = PATIENCE_MIN_NS;
        if (bus->said)
                log_notice("The system bus is there again");
        bus->said = false;
        return 0;
}

static int set_up(struct bus *bus) {
        int r;

        r = sd_bus_match_signal(bus->connection, NULL, "org.freedesktop.DBus.Local", "/org/freedesktop/DBus/Local",
                                "org.freedesktop.DBus.Local", "Disconnected", on_disconnected, bus);
        if (r >= 0)
                r = sd_bus_add_match_async(bus->connection, NULL,
                                           "type='signal',sender='" DRIVER "',path='" DRIVER_PATH "',interface='" DRIVER
                                           "',member='NameOwnerChanged',arg0namespace='org.freedesktop'",
                                           on_owner_changed, on_installed, bus);
        for (size_t i = 0; i < _BUS_SERVICE_MAX && r >= 0; i++) {
                struct bus_service *service = bus->services + i;

                if (!is_wanted(bus, service))
                        continue;
                r = service->ops->match(bus);
                if (r >= 0)
                        r = ask_owner(bus, service);
        }
        if (r >= 0 && bus->loop)
                r = sd_bus_attach_event(bus->connection, bus->loop, SD_EVENT_PRIORITY_NORMAL);
        return r;
}

static void bus_try(struct bus *bus) {
        int r;

        if (bus->connection || bus->kinds == 0)
                return;
        r = sd_bus_open_system_with_description(&bus->connection, "execrayd");
        if (r >= 0)
                r = set_up(bus);
        if (r < 0) {
                say_missing(bus, r);
                disconnect(bus);
                try_later(bus);
        }
}

void bus_process(struct bus *bus) {
        if (bus->loop || bus->kinds == 0)
                return;
        if (!bus->connection && clock_boottime_ns() >= bus->next_ns)
                bus_try(bus);
        /* A bus that is lost on the way is taken away by its own last message. */
        for (size_t i = 0; i < 1000 && bus->connection; i++) {
                sd_bus *connection = sd_bus_ref(bus->connection);
                int r = sd_bus_process(connection, NULL);

                sd_bus_unref(connection);
                if (r <= 0)
                        break;
        }
}

void bus_set_kinds(struct bus *bus, uint64_t kinds) {
        kinds &= wire_kind_bit(WIRE_KIND_unit) | wire_kind_bit(WIRE_KIND_login);
        if (kinds == bus->kinds)
                return;
        bus->kinds = kinds;
        /* A connection with the matches that are wanted is simplest had by a new one. */
        for (size_t i = 0; i < _BUS_SERVICE_MAX; i++) {
                struct bus_service *service = bus->services + i;

                if (is_wanted(bus, service))
                        continue;
                service->owner[0] = 0;
                service->ready = service->was_ready = false;
                service->ops->forget(bus);
        }
        disconnect(bus);
        if (bus->timer)
                (void)sd_event_source_set_enabled(bus->timer, SD_EVENT_OFF);
        bus->patience_ns = PATIENCE_MIN_NS;
        /* Not at once: whoever wants it has something else to say first. */
        if (bus->kinds != 0)
                try_after(bus, 0);
}

/* ---- the object ---- */

int bus_new(sd_event *loop, const struct bus_sink *sink, void *userdata, struct bus **ret) {
        struct bus *bus;

        assert(sink && sink->on_record && sink->on_gap && ret);

        bus = calloc(1, sizeof(*bus));
        if (!bus)
                return -ENOMEM;
        bus->loop = loop;
        bus->sink = *sink;
        bus->userdata = userdata;
        bus->patience_ns = PATIENCE_MIN_NS;
        bus->services[BUS_SYSTEMD].ops = &bus_systemd;
        bus->services[BUS_LOGIND].ops = &bus_logind;
        hashmap_init(&bus->units);
        hashmap_init(&bus->sessions);
        *ret = bus;
        return 0;
}

struct bus *bus_free(struct bus *bus) {
        if (!bus)
                return NULL;
        for (size_t i = 0; i < _BUS_SERVICE_MAX; i++) {
                bus->services[i].ready = false;         /* nobody is told any more */
                bus->services[i].ops->forget(bus);
        }
        disconnect(bus);
        sd_event_source_disable_unref(bus->timer);
        hashmap_done(&bus->units);
        hashmap_done(&bus->sessions);
        free(bus);
        return NULL;
}

void bus_stats(const struct bus *bus, struct bus_stats *ret) {
        *ret = bus->stats;
}

const char *bus_describe(const struct bus *bus) {
        bool systemd = bus->services[BUS_SYSTEMD].ready, logind = bus->services[BUS_LOGIND].ready;

        return systemd && logind ? "systemd, logind" : systemd ? "systemd" : logind ? "logind" : "none";
}

bool bus_is_there(void) {
        sd_bus *bus = NULL;
        int r;

        r = sd_bus_open_system(&bus);
        sd_bus_flush_close_unref(bus);
        return r >= 0;
}
