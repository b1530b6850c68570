/* SPDX-License-Identifier: Apache-2.0 */

/* Webhooks: a bounded queue, sent by children of their own, a few at a time, and tried again with longer and longer
 * pauses. */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "action/actions-private.h"
#include "action/child.h"
#include "action/post.h"
#include "base/clock.h"
#include "base/fd.h"

#define RUNNING_MAX 4
#define ATTEMPTS_MAX 5
#define PAUSE_NS NSEC_PER_SEC           /* then five times as long, each time */
#define TIMEOUT_MS 10000
#define PATIENCE_NS (15 * NSEC_PER_SEC) /* for the child, should libcurl's own limit fail */

struct hook {
        struct hook *next;
        struct posts *posts;
        struct action_pending *pending;
        char *url, *type, *body;        /* owned */
        size_t body_length;
        unsigned n_attempts;
        uint64_t due_ns;                /* CLOCK_BOOTTIME: not before */
        struct child child;             /* that sends it, at the moment */
        sd_event_source *timer;         /* of the pause or the patience */
};

struct posts {
        struct actions *actions;
        struct hook *first;             /* as they came */
        size_t n, n_running;
        uint64_t pause_ns;
};

static void pump(struct posts *posts);

static void reap(struct hook *hook) {
        if (child_runs(&hook->child))
                hook->posts->n_running--;
        child_free(&hook->child);
}

static void hook_free(struct hook *hook) {
        struct hook **at = &hook->posts->first;

        while (*at && *at != hook)
                at = &(*at)->next;
        if (*at) {
                *at = hook->next;
                hook->posts->n--;
        }
        reap(hook);
        sd_event_source_disable_unref(hook->timer);
        free(hook->url);
        free(hook->type);
        free(hook->body);
        free(hook);
}

static void hook_end(struct hook *hook, enum action_outcome outcome, int error, const char *what) {
        struct action_pending *pending = hook->pending;
        struct action_result result = {.outcome = outcome, .error = error};

        action_say(&result, 0, "%s of '%.300s' after %u attempt%s: %s",
                   outcome == ACTION_DONE ? "answer" : "no good answer", hook->url, hook->n_attempts,
                   hook->n_attempts == 1 ? "" : "s", what);
        hook_free(hook);
        action_end(pending, &result);
}

static int on_due(sd_event_source *source, uint64_t usec, void *userdata) {
        struct hook *hook = userdata;

        if (child_runs(&hook->child))
                child_kill(&hook->child);       /* on_ended() follows */
        else
                pump(hook->posts);
        return 0;
}

static void set_timer(struct hook *hook, uint64_t in_ns) {
        sd_event_source_disable_unref(hook->timer);
        hook->timer = NULL;
        (void)sd_event_add_time_relative(hook->posts->actions->loop, &hook->timer, CLOCK_BOOTTIME,
                                         in_ns / NSEC_PER_USEC, 0, on_due, hook);
}

static void judge(struct hook *hook, const struct post_answer *answer) {
        struct posts *posts = hook->posts;
        uint64_t pause = posts->pause_ns;

        if (answer->done)
                hook_end(hook, ACTION_DONE, 0, answer->text);
        else if (!answer->again || hook->n_attempts >= ATTEMPTS_MAX)
                hook_end(hook, ACTION_FAILED, -EIO, answer->text);
        else {
                for (unsigned i = 1; i < hook->n_attempts; i++)
                        pause *= 5;
                hook->due_ns = nsec_add(clock_boottime_ns(), pause);
                set_timer(hook, pause);
        }
        pump(posts);
}

static int on_ended(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        struct post_answer answer = {};
        struct hook *hook = userdata;

        if (child_read_answer(&hook->child, &answer, sizeof(answer)) < 0)
                answer = (struct post_answer){.again = true,
                                              .text = "whoever sent it was ended before there was an answer"};
        answer.text[sizeof(answer.text) - 1] = 0;
        reap(hook);
        judge(hook, &answer);
        return 0;
}

static void post(void *userdata, int fd) {
        const struct hook *hook = userdata;
        const struct post_request request = {
                .url = hook->url,
                .type = hook->type,
                .body = hook->body,
                .body_length = hook->body_length,
                .timeout_ms = TIMEOUT_MS,
        };
        struct post_answer answer;

        post_become_small(&fd);
        post_send(&request, &answer);
        _exit(fd_write_full(fd, &answer, sizeof(answer)) < 0);
}

static int start(struct hook *hook) {
        int r;

        hook->n_attempts++;
        r = child_start(&hook->child, hook->posts->actions->loop, post, on_ended, hook);
        if (r < 0)
                return r;
        hook->posts->n_running++;
        set_timer(hook, PATIENCE_NS);
        return 0;
}

/* Begin what is due, as many as may be at a time. */
static void pump(struct posts *posts) {
        uint64_t now_ns = clock_boottime_ns();

        for (struct hook *hook = posts->first, *next; hook && posts->n_running < RUNNING_MAX; hook = next) {
                int r;

                next = hook->next;
                if (child_runs(&hook->child) || hook->due_ns > now_ns)
                        continue;
                r = start(hook);
                if (r < 0) {
                        hook->due_ns = nsec_add(now_ns, posts->pause_ns);
                        set_timer(hook, posts->pause_ns);
                        if (hook->n_attempts >= ATTEMPTS_MAX) {
                                hook_end(hook, ACTION_FAILED, r, strerror(-r));
                                next = posts->first;    /* whoever was told may have changed the queue */
                        }
                }
        }
}

/* ---- the action ---- */

/* Does the address begin with it? A host without anything behind it must not be the beginning of another one's name. */
static bool is_below(const char *url, const char *prefix) {
        const char *rest = startswith(url, prefix), *host = strstr(prefix, "://");

        if (!rest || !host || !(startswith(prefix, "http://") || startswith(prefix, "https://")))
                return false;
        return strchr(host + 3, '/') || !*rest || strchr("/?#", *rest);
}

int action_check_webhook(struct actions *actions, const struct action *action, struct action_result *ret) {
        const char *url = action_get(action, ACTION_webhook_url)->text;
        const struct config_list *allowed = &actions->config->response.webhooks;

        for (size_t i = 0; i < allowed->n; i++)
                if (is_below(url, allowed->items[i]))
                        return actions->loop
                                     ? 0
                                     : action_say(ret, -EOPNOTSUPP, "whoever runs this cannot wait for an answer");
        return action_say(ret, -EPERM, "'%s' does not begin with one of response.webhooks", url);
}

static struct posts *get_posts(struct actions *actions) {
        if (!actions->posts) {
                actions->posts = calloc(1, sizeof(*actions->posts));
                if (actions->posts)
                        *actions->posts =
                                (struct posts){.actions = actions, .pause_ns = actions->webhook_pause_ns ?: PAUSE_NS};
        }
        return actions->posts;
}

int action_do_webhook(struct actions *actions, const struct action *action, struct action_result *ret) {
        const struct action_value *body = action_get(action, ACTION_webhook_body),
                                  *type = action_get(action, ACTION_webhook_type);
        struct posts *posts = get_posts(actions);
        struct hook *hook, **at;

        if (!posts)
                return -ENOMEM;
        if (posts->n >= actions->config->response.webhook_queue)
                return action_say(ret, -ENOSPC, "%zu webhooks wait already (response.webhook_queue)", posts->n);
        hook = calloc(1, sizeof(*hook));
        if (!hook)
                return -ENOMEM;
        *hook = (struct hook){.posts = posts, .child = CHILD_NONE, .body_length = body->length};
        hook->url = strdup(action_get(action, ACTION_webhook_url)->text);
        hook->type = strdup(type->given ? type->text : "application/json");
        hook->body = malloc(body->length + 1);
        hook->pending = hook->url && hook->type && hook->body ? action_pend(actions, action, ret) : NULL;
        if (!hook->pending) {
                hook_free(hook);
                return -ENOMEM;
        }
        memcpy(hook->body, body->text, body->length + 1);
        for (at = &posts->first; *at; at = &(*at)->next)
                ;
        *at = hook;
        posts->n++;
        pump(posts);
        return 0;
}

struct posts *posts_free(struct posts *posts) {
        if (!posts)
                return NULL;
        while (posts->first)
                hook_free(posts->first);
        free(posts);
        return NULL;
}
