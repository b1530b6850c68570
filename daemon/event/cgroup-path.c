/* SPDX-License-Identifier: Apache-2.0 */
#include "event/cgroup-path.h"

#include <string.h>

#include "base/macro.h"

const char *container_runtime_to_string(enum container_runtime runtime) {
        switch (runtime) {
        case CONTAINER_NONE: return "";
        case CONTAINER_OTHER: break;
        case CONTAINER_DOCKER: return "docker";
        case CONTAINER_PODMAN: return "podman";
        case CONTAINER_CONTAINERD: return "containerd";
        case CONTAINER_CRIO: return "cri-o";
        case CONTAINER_LXC: return "lxc";
        case CONTAINER_NSPAWN: return "nspawn";
        case _CONTAINER_RUNTIME_MAX: break;
        }
        return NULL;
}

/* One name between two slashes. */
struct component {
        const char *s;
        size_t n;
        size_t offset;                  /* in the path */
};

static bool component_is(const struct component *c, const char *name) {
        return memeq_str(c->s, c->n, name);
}

static bool component_starts(const struct component *c, const char *prefix) {
        size_t n = strlen(prefix);

        return c->n > n && memcmp(c->s, prefix, n) == 0;
}

static bool component_ends(const struct component *c, const char *suffix) {
        size_t n = strlen(suffix);

        return c->n > n && memcmp(c->s + c->n - n, suffix, n) == 0;
}

/* What stands between the two, both of which are there. */
static struct component component_between(const struct component *c, const char *prefix, const char *suffix) {
        size_t n = strlen(prefix), m = strlen(suffix);

        return (struct component){ .s = c->s + n, .n = c->n - n - m, .offset = c->offset + n };
}

static bool is_hex(const char *s, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (!((s[i] >= '0' && s[i] <= '9') || (s[i] >= 'a' && s[i] <= 'f')))
                        return false;
        return true;
}

static bool is_digits(const char *s, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (s[i] < '0' || s[i] > '9')
                        return false;
        return n > 0;
}

static int hex_digit(char c) {
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        return -1;
}

static struct cgroup_part part_of(const struct component *c) {
        return (struct cgroup_part){ .offset = c->offset, .length = c->n };
}

/* Without the underscore that systemd puts before a name that would clash with a file of the hierarchy. */
static struct component without_escape(const struct component *c) {
        size_t skip = c->n > 1 && c->s[0] == '_';

        return (struct component){ .s = c->s + skip, .n = c->n - skip, .offset = c->offset + skip };
}

/* As systemd escapes a name in a unit's: \xNN is a byte, a dash a slash if `dashes`. What is no escape is left as it
 * is. */
static size_t unescape(const struct component *c, bool dashes, char *name) {
        size_t used = 0;

        for (size_t i = 0; i < c->n && used < CGROUP_NAME_MAX; used++) {
                if (c->s[i] == '\\' && i + 3 < c->n && c->s[i + 1] == 'x' && hex_digit(c->s[i + 2]) >= 0 &&
                    hex_digit(c->s[i + 3]) >= 0) {
                        name[used] = hex_digit(c->s[i + 2]) << 4 | hex_digit(c->s[i + 3]);
                        i += 4;
                } else
                        name[used] = dashes && c->s[i] == '-' ? '/' : c->s[i], i++;
        }
        return used;
}

static size_t copy_name(const struct component *c, char *name) {
        size_t n = MIN(c->n, (size_t)CGROUP_NAME_MAX);

        memcpy(name, c->s, n);
        return n;
}

#define ID_DIGITS 64

/* Who calls a group so, by what stands before the id; longer ones first where one begins another. */
static const struct {
        const char *prefix;
        enum container_runtime runtime;
} id_prefixes[] = {
        {"docker-", CONTAINER_DOCKER},
        {"libpod-payload-", CONTAINER_PODMAN},
        {"libpod-", CONTAINER_PODMAN},
        {"cri-containerd-", CONTAINER_CONTAINERD},
        {"nerdctl-", CONTAINER_CONTAINERD},
        {"crio-", CONTAINER_CRIO},
};

/* And by the group that it is in. kubepods is nobody's: the kubelet names it, whatever runs below. */
static const struct {
        const char *name;
        enum container_runtime runtime;
} id_parents[] = {
        {"docker", CONTAINER_DOCKER},
        {"libpod_parent", CONTAINER_PODMAN},
        {"default", CONTAINER_CONTAINERD},
        {"k8s.io", CONTAINER_CONTAINERD},
        {"moby", CONTAINER_DOCKER},
};

static enum container_runtime parent_runtime(const struct component *c) {
        for (size_t i = 0; i < ELEMENTSOF(id_parents); i++)
                if (component_is(c, id_parents[i].name))
                        return id_parents[i].runtime;
        return CONTAINER_NONE;
}

static enum container_runtime prefix_runtime(const struct component *prefix) {
        for (size_t i = 0; i < ELEMENTSOF(id_prefixes); i++)
                if (component_is(prefix, id_prefixes[i].prefix))
                        return id_prefixes[i].runtime;
        if (memmem(prefix->s, prefix->n, ":cri-containerd:", strlen(":cri-containerd:")))
                return CONTAINER_CONTAINERD;
        if (memmem(prefix->s, prefix->n, ":docker:", strlen(":docker:")))
                return CONTAINER_DOCKER;
        if (memmem(prefix->s, prefix->n, ":crio:", strlen(":crio:")))
                return CONTAINER_CRIO;
        return CONTAINER_OTHER;
}

/* The id that OCI engines give: 64 hex digits, alone (cgroupfs driver), as docker-ID.scope, cri-containerd-ID.scope,
 * crio-ID.scope, libpod-ID.scope, nerdctl-ID.scope (systemd driver), or as
 * kubepods-burstable-podUID.slice:cri-containerd:ID, where the two drivers were mixed up. conmon watches a container
 * from outside and is not in it. `above` is what the groups above say of who made it. */
static size_t oci_container(const struct component *c, enum container_runtime above, char *name,
                            enum container_runtime *ret_runtime) {
        struct component rest = *c, prefix;

        if (component_ends(&rest, ".scope"))
                rest.n -= strlen(".scope");
        if (rest.n < ID_DIGITS || !is_hex(rest.s + rest.n - ID_DIGITS, ID_DIGITS))
                return 0;

        rest.s += rest.n - ID_DIGITS;
        rest.n = ID_DIGITS;
        prefix = (struct component){ .s = c->s, .n = rest.s - c->s };
        if (prefix.n == 0)
                *ret_runtime = above != CONTAINER_NONE ? above : CONTAINER_OTHER;
        else {
                if (prefix.s[prefix.n - 1] != '-' && prefix.s[prefix.n - 1] != ':')
                        return 0;
                if (memmem(prefix.s, prefix.n, "conmon", strlen("conmon")))
                        return 0;
                *ret_runtime = prefix_runtime(&prefix);
        }
        return copy_name(&rest, name);
}

/* Machines of systemd: machine-NAME.scope (a registered one), and `payload` in systemd-nspawn@NAME.service: what runs
 * beside it looks after it. There the name stands as it is, which systemd before 230 had escaped. A machine-qemu is a
 * whole virtual machine, whose processes are not ours to see. */
static size_t machine_container(const struct component *c, const struct component *above, char *name,
                                enum container_runtime *ret_runtime) {
        struct component escaped;

        *ret_runtime = CONTAINER_NSPAWN;

        if (component_starts(c, "machine-") && component_ends(c, ".scope")) {
                if (component_starts(c, "machine-qemu"))
                        return 0;
                /* libvirt's own containers are registered the same way, and are not those of LXC. */
                if (component_starts(c, "machine-lxc\\x2d"))
                        *ret_runtime = CONTAINER_OTHER;
                escaped = component_between(c, "machine-", ".scope");
                return unescape(&escaped, true, name);
        }
        if (!component_is(c, "payload") || !component_starts(above, "systemd-nspawn@") ||
            !component_ends(above, ".service"))
                return 0;
        escaped = component_between(above, "systemd-nspawn@", ".service");
        return unescape(&escaped, false, name);
}

/* /lxc/NAME (before 4.0), /lxc.payload/NAME (3.1), /lxc.payload.NAME (since). lxc.monitor is its keeper. */
static size_t lxc_container(const struct component *c, const struct component *above, char *name) {
        struct component rest;

        if (component_starts(c, "lxc.payload.")) {
                rest = component_between(c, "lxc.payload.", "");
                return copy_name(&rest, name);
        }
        if (component_is(above, "lxc") || component_is(above, "lxc.payload"))
                return copy_name(c, name);
        return 0;
}

static size_t container_name(const struct component *c, const struct component *above,
                             enum container_runtime made_by, char *name, enum container_runtime *ret_runtime) {
        size_t n;

        n = oci_container(c, made_by, name, ret_runtime);
        if (n == 0)
                n = machine_container(c, above, name, ret_runtime);
        if (n == 0) {
                n = lxc_container(c, above, name);
                *ret_runtime = CONTAINER_LXC;
        }
        return n;
}

static bool is_unit(const struct component *c) {
        return component_ends(c, ".service") || component_ends(c, ".scope");
}

static void parse_slice(const struct component *c, struct cgroup_parts *parts) {
        struct component user;

        parts->slice = part_of(c);
        if (!component_starts(c, "user-"))
                return;
        user = component_between(c, "user-", ".slice");
        if (!is_digits(user.s, user.n) || user.n > 10)
                return;

        uint64_t uid = 0;
        for (size_t i = 0; i < user.n; i++)
                uid = uid * 10 + (user.s[i] - '0');
        if (uid <= UINT32_MAX) {
                parts->uid = uid;
                parts->has_uid = true;
        }
}

static void parse_unit(const struct component *c, struct cgroup_parts *parts) {
        struct component session;

        parts->unit = part_of(c);
        parts->has_unit = true;
        if (component_starts(c, "session-") && component_ends(c, ".scope")) {
                session = component_between(c, "session-", ".scope");
                parts->session = part_of(&session);
        }
}

void cgroup_parse(const char *path, size_t length, bool is_cut, struct cgroup_parts *ret, char *name) {
        struct cgroup_parts parts = {};
        struct component above = { .s = path }, manager = {};
        enum container_runtime made_by = CONTAINER_NONE, runtime;

        for (size_t at = 0; at < length;) {
                const char *slash = memchr(path + at, '/', length - at);
                size_t n = slash ? (size_t)(slash - path) - at : length - at;
                struct component raw = { .s = path + at, .n = n, .offset = at }, c = without_escape(&raw);

                at += n + 1;
                if (n == 0)
                        continue;
                /* The last component of a cut path may be the beginning of another name. */
                if (is_cut && !slash)
                        break;

                if (!parts.has_unit) {
                        if (is_unit(&c)) {
                                parse_unit(&c, &parts);
                                if (component_starts(&c, "user@"))
                                        manager = c;
                        } else if (component_ends(&c, ".slice"))
                                parse_slice(&c, &parts);
                } else if (manager.n > 0 && !parts.has_user_unit && is_unit(&c)) {
                        parts.user_unit = part_of(&c);
                        parts.has_user_unit = true;
                }

                if (parts.container.length == 0) {
                        parts.container.length = container_name(&c, &above, made_by, name, &runtime);
                        if (parts.container.length > 0) {
                                parts.runtime = runtime;
                                parts.container_end = raw.offset + raw.n;
                        }
                        if (made_by == CONTAINER_NONE)
                                made_by = parent_runtime(&c);
                }
                above = c;
        }

        /* What was not found in a path that goes on is not known not to be there. */
        parts.has_container = parts.container.length > 0 || !is_cut;
        parts.has_slice = parts.has_unit || !is_cut;
        parts.has_user_unit = parts.has_user_unit || (parts.has_unit && manager.n == 0) || !is_cut;
        parts.has_unit = parts.has_unit || !is_cut;
        *ret = parts;
}
