/* SPDX-License-Identifier: Apache-2.0 */
/* Control, calls - what changes something: who asks, whether he may, and the answer once it is done.
 *
 *      call -- bus: who is it? -- root -------------------------- begin -- wait -- answer
 *                                 \- polkit: may he? -- yes --/
 *
 * A call over the socket is root's and begins at once. Nobody is waited for: the bus and polkit are asked like others
 * ask us, and each has its time. Where there is no polkit, root alone may. A mistake in the bus's policy is not enough
 * to let somebody in. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/strbuf.h"
#include "control/control-private.h"

#define DRIVER "org.freedesktop.DBus"
#define DRIVER_PATH "/org/freedesktop/DBus"
#define POLKIT "org.freedesktop.PolicyKit1"
#define POLKIT_PATH "/org/freedesktop/PolicyKit1/Authority"
#define POLKIT_INTERFACE "org.freedesktop.PolicyKit1.Authority"
#define POLKIT_MAY_INTERACT 1u
#define DENIED SD_BUS_ERROR_ACCESS_DENIED
#define BUSY SD_BUS_ERROR_LIMITS_EXCEEDED

/* polkit may have to be started first; a person who is asked for a password takes longer. */
#define POLKIT_TIMEOUT_NS (10 * NSEC_PER_SEC)
#define POLKIT_PERSON_TIMEOUT_NS NSEC_PER_MIN

static void pending_done(struct pending *pending) {
        sd_bus_slot_unref(pending->question);
        sd_bus_message_unref(pending->message);
        *pending = (struct pending){};
}

void control_forget_pending(struct control *control, sd_bus *bus) {
        for (size_t i = 0; i < CONTROL_MAX_PENDING; i++) {
                struct pending *pending = control->pending + i;

                if (pending->what != PENDING_NONE && (!bus || sd_bus_message_get_bus(pending->message) == bus))
                        pending_done(pending);
        }
}

static struct pending *pending_new(struct control *control, enum pending_what what, sd_bus_message *message) {
        struct pending *found = NULL;
        size_t n_bus = 0;

        for (size_t i = 0; i < CONTROL_MAX_PENDING; i++) {
                struct pending *pending = control->pending + i;

                if (pending->what == PENDING_NONE)
                        found = found ?: pending;
                else
                        n_bus += sd_bus_message_get_bus(pending->message) == control->bus;
        }
        if (!found || (sd_bus_message_get_bus(message) == control->bus && n_bus >= CONTROL_MAX_PENDING_BUS))
                return NULL;
        *found = (struct pending){
                .what = what,
                .control = control,
                .message = sd_bus_message_ref(message),
                .caller = {.way = "bus"},
        };
        return found;
}

static void pending_refuse(struct pending *pending, const char *name, const char *why) {
        (void)sd_bus_reply_method_errorf(pending->message, name, "%s", why);
        pending_done(pending);
}

static void pending_deny(struct pending *pending, const char *name, const char *why) {
        pending->control->stats.n_refused++;
        pending_refuse(pending, name, why);
}

static void pending_answer_reload(struct pending *pending, const struct control_reloaded *reloaded) {
        _cleanup_(strbuf_done) struct strbuf text = {};

        /* Lines stay lines; each is clean. */
        for (const char *line = reloaded->text ?: ""; *line;) {
                size_t n = strcspn(line, "\n");

                strbuf_put_text(&text, line, n);
                line += n;
                if (*line) {
                        strbuf_put_char(&text, '\n');
                        line++;
                }
        }
        if (reloaded->done || reloaded->number == 0)
                (void)sd_bus_reply_method_return(pending->message, "ts", reloaded->generation, strbuf_str(&text));
        else
                (void)sd_bus_reply_method_errorf(pending->message, ERROR_NOT_RELOADED, "%s", strbuf_str(&text));
        pending_done(pending);
}

/* Who calls is known, and that he may. */
static void pending_begin(struct pending *pending, const struct control_caller *caller) {
        struct control *control = pending->control;
        _cleanup_(strbuf_done) struct strbuf why = {};
        struct control_reloaded reloaded = {};

        switch (pending->what) {
        case PENDING_RELOAD:
        case PENDING_AWAIT:
                pending->number = pending->what == PENDING_RELOAD ? control->ops->reload(caller, control->userdata)
                                                                  : control->ops->reloading(control->userdata);
                /* It may have ended at once, before this one knew what to wait for. */
                control->ops->reloaded(&reloaded, control->userdata);
                if (reloaded.number >= pending->number)
                        pending_answer_reload(pending, &reloaded);
                break;
        case PENDING_SNAPSHOT:
                if (control->ops->snapshot(caller, &why, control->userdata) < 0)
                        pending_refuse(pending, ERROR_NOT_SAVED, strbuf_str(&why));
                break;
        case PENDING_NONE:
                break;
        }
}

/* ---- whether he may ---- */

static bool is_root(uid_t uid) {
        return uid == 0 || uid == geteuid();
}

/* Answers of polkit: only who owns its name on the bus can give them, for the bus lets through no reply but of him who
 * was asked. */
static int on_authorization(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        struct pending *pending = userdata;
        const sd_bus_error *e = sd_bus_message_get_error(reply);
        int is_authorized = 0, is_challenge = 0;

        pending->question = sd_bus_slot_unref(pending->question);
        if (e)
                pending_deny(pending, DENIED,
                             sd_bus_error_has_name(e, SD_BUS_ERROR_SERVICE_UNKNOWN)
                                     ? "Only root may have execrayd do something, for polkit is not here"
                                     : "Only root may have execrayd do something, for polkit does not answer");
        else if (sd_bus_message_enter_container(reply, SD_BUS_TYPE_STRUCT, "bba{ss}") < 0 ||
                 sd_bus_message_read(reply, "bb", &is_authorized, &is_challenge) < 0)
                pending_deny(pending, DENIED, "polkit answers something else than execrayd understands");
        else if (is_authorized) {
                pending->control->stats.n_allowed++;
                pending_begin(pending, &pending->caller);
        } else if (is_challenge)
                pending_deny(pending, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED,
                             "polkit wants to know that it is you, and has no way to ask");
        else
                pending_deny(pending, DENIED, "polkit does not let you have execrayd do this");
        return 0;
}

/* Others may not fill the table. */
static bool others_are_many(const struct control *control, uid_t uid) {
        size_t n = 0, n_his = 0;

        for (size_t i = 0; i < CONTROL_MAX_PENDING; i++) {
                const struct pending *pending = control->pending + i;

                if (pending->what == PENDING_NONE || is_root(pending->caller.uid))
                        continue;
                n++;
                n_his += pending->caller.uid == uid;
        }
        return n > CONTROL_MAX_PENDING_OTHERS || n_his > CONTROL_MAX_PENDING_USER;      /* he is among them */
}

static int ask_polkit(struct pending *pending) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *question = NULL;
        sd_bus *bus = sd_bus_message_get_bus(pending->message);
        bool person = sd_bus_message_get_allow_interactive_authorization(pending->message) > 0;
        int r;

        r = sd_bus_message_new_method_call(bus, &question, POLKIT, POLKIT_PATH, POLKIT_INTERFACE, "CheckAuthorization");
        if (r >= 0)
                r = sd_bus_message_append(question, "(sa{sv})sa{ss}us", "system-bus-name", 1, "name", "s",
                                          sd_bus_message_get_sender(pending->message),
                                          pending->what == PENDING_SNAPSHOT ? ACTION_SNAPSHOT : ACTION_RELOAD, 0,
                                          person ? POLKIT_MAY_INTERACT : 0, "");
        if (r >= 0)
                r = sd_bus_call_async(bus, &pending->question, question, on_authorization, pending,
                                      (person ? POLKIT_PERSON_TIMEOUT_NS : POLKIT_TIMEOUT_NS) / NSEC_PER_USEC);
        if (r >= 0)
                pending->control->stats.n_asked++;
        return r;
}

/* ---- who calls ---- */

static int read_credentials(sd_bus_message *reply, struct control_caller *ret) {
        int r;

        r = sd_bus_message_enter_container(reply, SD_BUS_TYPE_ARRAY, "{sv}");
        while (r >= 0 && (r = sd_bus_message_enter_container(reply, SD_BUS_TYPE_DICT_ENTRY, "sv")) > 0) {
                const char *name;
                uint32_t number;

                r = sd_bus_message_read(reply, "s", &name);
                if (r < 0)
                        break;
                if (streq(name, "UnixUserID") || streq(name, "ProcessID")) {
                        r = sd_bus_message_read(reply, "v", "u", &number);
                        if (r >= 0 && streq(name, "UnixUserID"))
                                ret->uid = number;
                        else if (r >= 0)
                                ret->pid = (pid_t)number;
                } else
                        r = sd_bus_message_skip(reply, "v");
                if (r >= 0)
                        r = sd_bus_message_exit_container(reply);
        }
        return r;
}

static int on_credentials(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        struct pending *pending = userdata;
        struct control_caller *caller = &pending->caller;

        pending->question = sd_bus_slot_unref(pending->question);
        caller->uid = UINT32_MAX;
        if (sd_bus_message_is_method_error(reply, NULL) || read_credentials(reply, caller) < 0 ||
            caller->uid == UINT32_MAX)
                pending_deny(pending, DENIED, "The bus does not say who you are");
        else if (is_root(caller->uid))
                pending_begin(pending, caller);
        else if (!pending->control->polkit)
                pending_deny(pending, DENIED, "Only root may have execrayd do something");
        else if (others_are_many(pending->control, caller->uid))
                pending_deny(pending, BUSY, "Too many calls of others than root are waiting for an answer");
        else if (ask_polkit(pending) < 0)
                pending_deny(pending, DENIED, "Only root may have execrayd do something, for polkit cannot be asked");
        return 0;
}

int control_call(sd_bus_message *message, struct control *control, enum pending_what what, sd_bus_error *error) {
        sd_bus *bus = sd_bus_message_get_bus(message);
        struct client *client = control_client_of(control, bus);
        struct pending *pending = pending_new(control, what, message);
        int r;

        control->stats.n_calls++;
        if (!pending) {
                control->stats.n_refused++;
                return sd_bus_error_set(error, BUSY, "Too many calls are waiting for an answer");
        }
        if (client) {
                pending_begin(pending, &client->caller);
                return 1;
        }
        /* Asking the bus would stop the loop until it answers; so it is answered like everything else. */
        r = sd_bus_call_method_async(bus, &pending->question, DRIVER, DRIVER_PATH, DRIVER, "GetConnectionCredentials",
                                     on_credentials, pending, "s", sd_bus_message_get_sender(message));
        if (r < 0) {
                pending_done(pending);
                return sd_bus_error_set_errno(error, r);
        }
        return 1;
}

/* ---- it is done ---- */

void control_call_reloaded(struct control *control, const struct control_reloaded *reloaded) {
        for (size_t i = 0; i < CONTROL_MAX_PENDING; i++) {
                struct pending *pending = control->pending + i;

                if ((pending->what == PENDING_RELOAD || pending->what == PENDING_AWAIT) && pending->number > 0 &&
                    pending->number <= reloaded->number)
                        pending_answer_reload(pending, reloaded);
        }
}

void control_saved(struct control *control, int r, const char *file) {
        for (size_t i = 0; i < CONTROL_MAX_PENDING; i++) {
                struct pending *pending = control->pending + i;

                if (pending->what != PENDING_SNAPSHOT || pending->question)
                        continue;
                if (r < 0)
                        pending_refuse(pending, ERROR_NOT_SAVED, strerror(-r));
                else {
                        (void)sd_bus_reply_method_return(pending->message, "s", file);
                        pending_done(pending);
                }
        }
}
