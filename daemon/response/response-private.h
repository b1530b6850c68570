/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Response, inside - what its files share. response.h is for everybody else. */

#include "base/array.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "response/response.h"
#include "response/response-flights.h"

#define RESPONSE_BACKOFF_MAX_NS NSEC_PER_MIN

struct alert_response;
struct response_message;

enum response_state {
        STATE_STARTING,                 /* it has not said that it is ready */
        STATE_READY,
        STATE_DOWN,                     /* it is not there; `restart` is set */
};

struct response {
        sd_event *loop;                 /* owned reference */
        struct response_sink sink;
        void *userdata;
        struct report *report;          /* borrowed; NULL: not attached yet */
        bool attached;                  /* new alerts come here */
        char *executable;               /* owned */
        struct response_service service;        /* its strings are owned; path NULL: it is our child */
        bool is_patient;
        struct strbuf setup;            /* the first message, for each start */
        bool enriches_all;
        uint64_t timeout_ns, patience_ns;
        size_t max_flights;

        enum response_state state;
        bool answered;                  /* on_ready() was called */
        int ready;                      /* with this */
        pid_t pid;                      /* 0: not there, or a service that has not said anything yet */
        int pidfd;                      /* owned; of a service; -1: none */
        int fd;                         /* owned */
        uint64_t started_ns, backoff_ns, finish_ns;     /* finish_ns: until then it may finish; 0: it goes on */
        sd_event_source *packets, *late, *restart, *patience;   /* owned */
        struct flights flights;
        ARRAY(char *) storms;           /* policies that are disarmed, for the next start; owned */
        struct strbuf packet;
        struct response_stats stats;    /* but what is under way, and the pid */
        struct log_limit limit;
};

/* The first message. */
void response_put_setup(struct response *response, const struct response_options *options);

/* A storm has disarmed this policy, or it is armed again. */
void response_remember_storm(struct response *response, const char *policy, bool disarmed);
/* What the process is told of them, as response->packet. False: there are none. */
bool response_put_storms(struct response *response);
void response_forget_storms(struct response *response);

/* 0: it was started, and will say that it is ready. */
int response_start_process(struct response *response);
/* Takes it away; nobody is told. */
void response_end_process(struct response *response);
/* It is gone, or should be: what it had is told without it, and it is started again after a while. */
void response_go_down(struct response *response, const char *why);
void response_lose_all(struct response *response);
void response_call_ready(struct response *response, int r, const char *messages);

/* False: no packet waits, or the process has ended. */
bool response_take_packet(struct response *response);

/* A packet that is well formed. */
void response_hear(struct response *response, const struct response_message *message);
/* Tell what scripts said, or that they did not: now, or after the alert if that was told. */
void response_tell(struct response *response, struct flight *flight, const struct alert_response *answer);

void response_set_timer(sd_event_source *source, uint64_t at_ns);
void response_stop_timer(sd_event_source *source);
/* When the next one is told without its answer. */
void response_set_late(struct response *response);
/* The process owes an answer to the oldest one. */
void response_set_patience(struct response *response);
