/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/compile-message.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/strbuf.h"

#define MAX_WHAT 64

static const char request_magic[8] = "EXECRAYQ", answer_magic[8] = "EXECRAYA";

struct request_head {
        char magic[8];
        struct compile_request request; /* without pointers; behind it the places, each with its NUL */
};

struct answer_head {
        char magic[8];
        uint32_t type;
        int32_t error;
        uint64_t n_files, n_paths, n_errors, n_warnings;
        uint64_t n_text, n_program;     /* bytes, in this order behind the head */
        char what[MAX_WHAT];
};

int compile_request_write(int fd, const struct compile_request *request) {
        _cleanup_(strbuf_done) struct strbuf b = {.limit_bytes = COMPILE_REQUEST_MAX_BYTES};
        struct request_head head;

        memset(&head, 0, sizeof(head)); /* what pads it, too: no stray bytes of ours */
        memcpy(head.magic, request_magic, sizeof(head.magic));
        head.request = *request;
        head.request.places = NULL;
        head.request.policies.on_read = NULL;
        head.request.policies.userdata = NULL;

        strbuf_put_n(&b, &head, sizeof(head));
        for (size_t i = 0; i < request->n_places; i++)
                strbuf_put_n(&b, request->places[i], strlen(request->places[i]) + 1);
        if (b.error < 0)
                return b.error == -ENOSPC ? -E2BIG : b.error;

        if (lseek(fd, 0, SEEK_SET) < 0)
                return -errno;
        return fd_write_full(fd, b.data, b.n);
}

int compile_request_read(int fd, struct compile_request *ret, char **ret_memory) {
        _cleanup_(freep) char *data = NULL;
        _cleanup_(freep) char *memory = NULL;
        struct request_head head;
        const char **places;
        size_t n, at = 0;
        int r;

        if (lseek(fd, 0, SEEK_SET) < 0)
                return -errno;
        r = fd_read_all(fd, COMPILE_REQUEST_MAX_BYTES, &data, &n);
        if (r < 0)
                return r;
        if (n < sizeof(head))
                return -EBADMSG;
        memcpy(&head, data, sizeof(head));
        n -= sizeof(head);
        if (memcmp(head.magic, request_magic, sizeof(head.magic)) != 0 || head.request.n_places > n)
                return -EBADMSG;

        /* The pointers, and behind them the texts. */
        memory = malloc(head.request.n_places * sizeof(*places) + n + 1);
        if (!memory)
                return -ENOMEM;
        places = (const char **)memory;
        memcpy(memory + head.request.n_places * sizeof(*places), data + sizeof(head), n);
        for (size_t i = 0; i < head.request.n_places; i++) {
                const char *place = memory + head.request.n_places * sizeof(*places) + at;
                size_t length = strnlen(place, n - at);

                if (length == n - at)
                        return -EBADMSG;
                places[i] = place;
                at += length + 1;
        }
        if (at != n)
                return -EBADMSG;

        *ret = head.request;
        ret->places = places;
        *ret_memory = TAKE_PTR(memory);
        return 0;
}

int compile_answer_write(int fd, const struct compile_answer *answer) {
        struct answer_head head;
        int r;

        memset(&head, 0, sizeof(head));
        memcpy(head.magic, answer_magic, sizeof(head.magic));
        head.type = answer->type;
        head.error = answer->error;
        head.n_files = answer->n_files;
        head.n_paths = answer->n_paths;
        head.n_errors = answer->n_errors;
        head.n_warnings = answer->n_warnings;
        head.n_text = answer->n_text;
        head.n_program = answer->n_program;
        if (answer->what)
                strncpy(head.what, answer->what, sizeof(head.what) - 1);

        r = fd_write_full(fd, &head, sizeof(head));
        if (r >= 0 && answer->n_text > 0)
                r = fd_write_full(fd, answer->text, answer->n_text);
        if (r >= 0 && answer->n_program > 0)
                r = fd_write_full(fd, answer->program, answer->n_program);
        return r;
}

static const char *answer_fault(const struct answer_head *head, size_t size) {
        if (memcmp(head->magic, answer_magic, sizeof(head->magic)) != 0)
                return "it does not begin like one";
        if (head->n_text > COMPILE_ANSWER_MAX_TEXT || head->n_program > PROGRAM_MAX_BYTES)
                return "it is too large";
        if (sizeof(*head) + head->n_text + head->n_program != size)
                return "it is not as long as it says";
        if (head->what[sizeof(head->what) - 1] != 0)
                return "it does not end";
        if (head->type >= _COMPILE_ANSWER_TYPE_MAX ||
            (head->type == COMPILE_ANSWER_PROGRAM) != (head->n_program > 0) ||
            (head->type == COMPILE_ANSWER_PROGRAM) != (head->error == 0) || head->error > 0 || head->error < -4095)
                return "it contradicts itself";
        return NULL;
}

int compile_answer_read(int fd, struct compile_answer *ret, void **ret_map, size_t *ret_size, const char **ret_why) {
        const struct answer_head *head;
        const char *fault;
        struct stat st;
        void *map;

        assert(ret && ret_map && ret_size && ret_why);

        if (fstat(fd, &st) < 0)
                return -errno;
        *ret_why = st.st_size == 0 ? "it is empty" : "it is too short";
        if (st.st_size < (off_t)sizeof(*head))
                return -EBADMSG;
        *ret_why = "it is too large";
        if (st.st_size > (off_t)COMPILE_ANSWER_MAX_BYTES)
                return -EBADMSG;

        map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
        if (map == MAP_FAILED)
                return -errno;
        head = map;
        fault = answer_fault(head, (size_t)st.st_size);
        if (fault) {
                *ret_why = fault;
                (void)munmap(map, (size_t)st.st_size);
                return -EBADMSG;
        }

        *ret = (struct compile_answer){
                .type = (enum compile_answer_type)head->type,
                .error = head->error,
                .n_files = head->n_files,
                .n_paths = head->n_paths,
                .n_errors = head->n_errors,
                .n_warnings = head->n_warnings,
                .what = head->what,
                .text = (const char *)(head + 1),
                .n_text = head->n_text,
                .program = (const char *)(head + 1) + head->n_text,
                .n_program = head->n_program,
        };
        *ret_map = map;
        *ret_size = (size_t)st.st_size;
        return 0;
}
