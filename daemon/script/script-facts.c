/* SPDX-License-Identifier: Apache-2.0 */
/* Script facts - what scripts may ask about this host, and a form for what they send: each bounded, none writes. */
#include "script/script-private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "action/child.h"
#include "action/copy.h"
#include "action/proc.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/sha256.h"
#include "base/strbuf.h"

#define MAX_HASHED (64U << 20)          /* bytes of a program */
#define MAX_HASHING_NS (200 * NSEC_PER_MSEC)    /* less than alerts wait (scripts.enrich_timeout) */

/* The program of the process that was meant, also if it was unlinked; -ESRCH if the process is gone. */
static int open_program(const struct identity *identity) {
        _cleanup_(closep) int pidfd = proc_open(identity, NULL);
        char path[64];
        int fd;

        if (pidfd < 0)
                return pidfd;
        snprintf(path, sizeof(path), "/proc/%u/exe", identity->pid);
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (fd < 0)
                return -errno;
        if (proc_signal(pidfd, 0) < 0) {
                close(fd);
                return -ESRCH;
        }
        return fd;
}

struct hashing {
        const struct identity *identity;
        pid_t parent;
};

/* In a child: whoever runs a program of 64 MiB, or one from a file system of his own that does not answer, holds up
 * nobody for longer than that child is waited for. */
static void hash(void *userdata, int answer_fd) {
        const struct hashing *hashing = userdata;
        struct copy copy = {.from = open_program(hashing->identity), .to = -1, .max_bytes = MAX_HASHED};
        struct copy_answer answer;

        if (copy.from < 0)
                _exit(EXIT_FAILURE);
        child_become_small("execray-hash", &copy.from, &copy.to, &answer_fd, hashing->parent);
        copy_run(&copy, &answer);
        _exit(fd_write_full(answer_fd, &answer, sizeof(answer)) < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}

/* Raises no error: it holds descriptors. False: too large, too slow, not readable. Takes half of the time that the run
 * has left at most, so that no program, however large, makes an offender of the script. */
static bool hash_program(const struct identity *identity, uint64_t deadline_ns, char hex[static SHA256_HEX]) {
        struct hashing hashing = {.identity = identity, .parent = getpid()};
        uint64_t left_ns = nsec_sub(deadline_ns, clock_boottime_ns());
        struct copy_answer answer;

        if (child_ask(hash, &hashing, MIN(left_ns / 2, (uint64_t)MAX_HASHING_NS), &answer, sizeof(answer)) < 0 ||
            answer.error < 0)
                return false;
        memcpy(hex, answer.sha256, SHA256_HEX);
        hex[SHA256_HEX - 1] = 0;
        return true;
}

/* execray.sha256(process) [-0, +1]: of the program that it runs, in hexadecimal; or nil: the process is gone, or its
 * program is larger than 64 MiB or not read in time */
static int facts_sha256(lua_State *state) {
        struct script *script = script_of(state);
        struct identity identity = {};
        char hex[SHA256_HEX];

        luaL_checktype(state, 1, LUA_TTABLE);
        if (!script->answer)
                return luaL_error(state, "execray.sha256() is for responders and enrichers while they run");
        lua_getfield(state, 1, "pid");
        identity.pid = (uint32_t)luaL_checkinteger(state, -1);
        lua_getfield(state, 1, "start_ns");
        identity.start_ns = (uint64_t)lua_tointeger(state, -1);
        script_budget_charge(state, 1000);
        if (hash_program(&identity, script->budget.deadline_ns, hex))
                lua_pushstring(state, hex);
        else
                lua_pushnil(state);
        return 1;
}

/* execray.json(value) [-0, +1]: a text, number, boolean or nil as JSON */
static int facts_json(lua_State *state) {
        char memory[4096];
        struct strbuf b;
        const char *s;
        size_t n;

        luaL_checkany(state, 1);
        if (lua_isnil(state, 1))
                lua_pushliteral(state, "null");
        else if (lua_type(state, 1) == LUA_TNUMBER || lua_isboolean(state, 1))
                (void)script_describe(state, 1, NULL);
        else {
                s = luaL_checklstring(state, 1, &n);
                script_budget_charge(state, 1 + n / 64);
                strbuf_init_fixed(&b, memory, sizeof(memory));
                strbuf_put_json(&b, s, MIN(n, sizeof(memory) / 6 - 1));
                lua_pushlstring(state, b.data, b.n);
        }
        return 1;
}

void script_facts_open(lua_State *state) {
        lua_pushcfunction(state, facts_sha256);
        lua_setfield(state, -2, "sha256");
        lua_pushcfunction(state, facts_json);
        lua_setfield(state, -2, "json");
}
