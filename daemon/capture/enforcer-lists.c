/* SPDX-License-Identifier: Apache-2.0 */
/* Enforcer, the administrator's lists - what their items mean, and into the maps. */
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/macro.h"
#include "base/parse.h"

#include "capture/enforcer-private.h"

const char *const enforcer_list_names[ENFORCE_N_LISTS] = {
        [ENFORCE_ADDRESSES] = "deny.addresses",
        [ENFORCE_EXECUTABLES] = "deny.executables",
        [ENFORCE_FILES] = "deny.files",
};

/* ---- what items mean ---- */

const struct capture_deny_list *enforcer_list_of(const struct capture_deny *deny, enum enforce_list list) {
        switch (list) {
        case ENFORCE_ADDRESSES: return &deny->addresses;
        case ENFORCE_EXECUTABLES: return &deny->executables;
        case ENFORCE_FILES: return &deny->files;
        case ENFORCE_N_LISTS: break;
        }
        return NULL;
}

struct network {
        int family;
        uint32_t bits;
        uint8_t address[16];
};

/* IPv4 in the clothes of IPv6 is IPv4. */
static int network_parse(const char *item, struct network *ret) {
        static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
        const char *slash = strchrnul(item, '/');
        struct network network = {.family = memchr(item, ':', (size_t)(slash - item)) ? AF_INET6 : AF_INET};
        uint64_t max = network.family == AF_INET6 ? 128 : 32, bits = max;
        char text[INET6_ADDRSTRLEN];

        if ((size_t)(slash - item) >= sizeof(text))
                return -EINVAL;
        memcpy(text, item, (size_t)(slash - item));
        text[slash - item] = 0;
        if (inet_pton(network.family, text, network.address) != 1 ||
            (*slash && (slash[1] < '0' || slash[1] > '9' || parse_u64(slash + 1, 0, max, &bits) < 0)))
                return -EINVAL;
        if (network.family == AF_INET6 && bits >= 96 && memcmp(network.address, mapped, sizeof(mapped)) == 0) {
                memmove(network.address, network.address + 12, 4);
                network.family = AF_INET;
                bits -= 96;
        }
        network.bits = (uint32_t)bits;
        *ret = network;
        return 0;
}

static int file_check(const char *item, const char **ret_why) {
        const char *slash = strchr(item, '/');

        if (!slash && strlen(item) >= ENFORCE_NAME)
                *ret_why = "is longer than 63 bytes";
        else if (slash && slash != item)
                *ret_why = "is neither an absolute path nor a name without slashes";
        else if (slash && strlen(item) >= ENFORCE_FRONT)
                *ret_why = "is longer than 247 bytes";
        else if (!*item || streq(item, "/"))
                *ret_why = "would be everything";
        else if (strstr(item, "//") || strstr(item, "/./") || strstr(item, "/../"))
                *ret_why = "is no path as the kernel knows it: leave out //, /./ and /../";
        else if (strpbrk(item, "*?["))
                *ret_why = "is a pattern, and names and directories (with a slash at the end) are all there is";
        else
                return 0;
        return -EINVAL;
}

int enforcer_check(const struct capture_deny *deny, char *why, size_t size) {
        for (int list = 0; list < ENFORCE_N_LISTS; list++) {
                const struct capture_deny_list *items = enforcer_list_of(deny, (enum enforce_list)list);

                for (size_t i = 0; i < items->n; i++) {
                        const char *reason = "is no address and no network";
                        struct network network;
                        int r;

                        r = list == ENFORCE_ADDRESSES ? network_parse(items->items[i], &network)
                                                      : file_check(items->items[i], &reason);
                        if (r < 0) {
                                snprintf(why, size, "%s: '%s' %s", enforcer_list_names[list], items->items[i], reason);
                                return r;
                        }
                }
        }
        return 0;
}

/* ---- into the maps ---- */

static int put_network(struct enforcer *enforcer, const char *item, uint32_t rule) {
        struct network network = {};
        struct enforce_address4 key4;
        struct enforce_address6 key6;
        int r;

        r = network_parse(item, &network);
        if (r < 0)
                return r;
        if (network.family == AF_INET) {
                key4.bits = network.bits;
                memcpy(key4.address, network.address, sizeof(key4.address));
                return enforcer_put(enforcer->skeleton->maps.addresses4, &key4, &rule);
        }
        key6.bits = network.bits;
        memcpy(key6.address, network.address, sizeof(key6.address));
        return enforcer_put(enforcer->skeleton->maps.addresses6, &key6, &rule);
}

int enforcer_identify(struct enforcer *enforcer, const char *path, uint32_t list, struct enforce_object *ret) {
        struct enforce_identify question = {};
        LIBBPF_OPTS(bpf_test_run_opts, options, .ctx_in = &question, .ctx_size_in = sizeof(question));  /* and out */
        _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        struct stat st;
        int r;

        if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
                return 0;
        question.fd = (uint32_t)fd;
        r = bpf_prog_test_run_opts(bpf_program__fd(enforcer->skeleton->progs.identify), &options);
        if (r < 0)
                return r;
        *ret = (struct enforce_object){.inode = question.inode, .device = question.device, .list = list};
        return question.inode != 0;
}

static int put_file(struct enforcer *enforcer, enum enforce_list list, const char *item, uint32_t rule) {
        size_t n = strlen(item);
        struct enforce_object object;
        struct enforce_front front = {.list = list};
        struct enforce_name name = {.list = list};
        int r;

        if (item[0] != '/') {
                memcpy(name.text, item, n);
                return enforcer_put(enforcer->skeleton->maps.names, &name, &rule);
        }
        memcpy(front.text, item, n);
        front.bits = (uint32_t)(32 + 8 * (n + (item[n - 1] != '/')));
        r = enforcer_put(enforcer->skeleton->maps.fronts, &front, &rule);
        if (r < 0 || item[n - 1] == '/')
                return r;
        r = enforcer_identify(enforcer, item, list, &object);
        return r > 0 ? enforcer_put(enforcer->skeleton->maps.objects, &object, &rule) : r;
}

int enforcer_put_lists(struct enforcer *enforcer, const struct capture_deny *deny) {
        uint32_t action = deny->kill ? ENFORCE_KILL : 0;

        for (int list = 0; list < ENFORCE_N_LISTS; list++) {
                const struct capture_deny_list *items = enforcer_list_of(deny, (enum enforce_list)list);

                for (size_t i = 0; i < items->n; i++) {
                        int r;

                        r = enforcer_name_rule(enforcer, items->items[i]);
                        if (r < 0)
                                return r;
                        if (list == ENFORCE_ADDRESSES)
                                r = put_network(enforcer, items->items[i], (uint32_t)enforcer->n_rules | action);
                        else
                                r = put_file(enforcer, (enum enforce_list)list, items->items[i],
                                             (uint32_t)enforcer->n_rules | action);
                        if (r < 0)
                                return r;
                }
        }
        return 0;
}
