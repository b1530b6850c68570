/* SPDX-License-Identifier: Apache-2.0 */
#include "process/process-image.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

/* Arguments of an image that is kept while the region is short of room: enough to know a command by. */
#define SHORT_ARGS 512

enum image_text {
        IMAGE_EXE,
        IMAGE_FILENAME,
        IMAGE_CWD,
        IMAGE_NAME,
        IMAGE_COMM,
        IMAGE_ARGV,
        IMAGE_ARGS,
        _IMAGE_TEXT_MAX,
};

struct text {
        uint16_t offset;                /* into data */
        uint16_t length;
        uint8_t state;                  /* enum value_state */
        bool user;
};

enum {
        IMAGE_KNOWS_FILE = 1U << 0,
        IMAGE_KNOWS_MODE = 1U << 1,
        IMAGE_KNOWS_TTY = 1U << 2,
        IMAGE_KNOWS_DELETED = 1U << 3,
        IMAGE_KNOWS_MEMFD = 1U << 4,
        IMAGE_KNOWS_UPPER = 1U << 5,
};

struct process_image {
        struct process_images *images;  /* borrowed: the region that this lies in */
        uint64_t number;
        uint64_t hash;                  /* under which it can be found; 0: it cannot */
        uint32_t n_refs;
        uint32_t size;                  /* of data */

        /* From here on it is what it says, without a byte that is undefined. */
        struct wire_object file;
        uint32_t file_mode;
        uint32_t tty;
        uint8_t known;                  /* IMAGE_KNOWS_* */
        bool deleted, memfd, upper;
        bool before_us;
        struct text texts[_IMAGE_TEXT_MAX];
        char data[];
};

int process_images_init(struct process_images *images, size_t max_bytes) {
        *images = (struct process_images){};
        idmap_init(&images->by_content);
        return buddy_init(&images->buddy, max_bytes);
}

void process_images_done(struct process_images *images) {
        buddy_done(&images->buddy);
        idmap_done(&images->by_content);
        *images = (struct process_images){};
}

/* What an image is made of, before it is one. */
struct draft {
        struct value exe, filename, cwd, comm, argv;
        struct value file, file_mode, tty, deleted, memfd, upper;
};

static void draft_of_execve(struct draft *draft, const struct event *event) {
        event_get(event, FIELD_execve_exe, &draft->exe);
        event_get(event, FIELD_execve_filename, &draft->filename);
        event_get(event, FIELD_execve_cwd, &draft->cwd);
        event_get(event, FIELD_execve_comm, &draft->comm);
        event_get(event, FIELD_execve_argv, &draft->argv);
        event_get(event, FIELD_execve_file, &draft->file);
        event_get(event, FIELD_execve_file_mode, &draft->file_mode);
        event_get(event, FIELD_execve_tty, &draft->tty);
        event_get(event, FIELD_execve_deleted, &draft->deleted);
        event_get(event, FIELD_execve_memfd, &draft->memfd);
        event_get(event, FIELD_execve_upper, &draft->upper);
}

/* /proc does not tell what file the exec had named, nor the mode that the image had then. */
static void draft_of_process(struct draft *draft, const struct event *event) {
        *draft = (struct draft){ .filename.type = VALUE_STRING };
        event_get(event, FIELD_process_exe, &draft->exe);
        event_get(event, FIELD_process_cwd, &draft->cwd);
        event_get(event, FIELD_process_comm, &draft->comm);
        event_get(event, FIELD_process_argv, &draft->argv);
        event_get(event, FIELD_process_file, &draft->file);
        event_get(event, FIELD_process_tty, &draft->tty);
        event_get(event, FIELD_process_deleted, &draft->deleted);
        event_get(event, FIELD_process_memfd, &draft->memfd);
}

static inline size_t known_length(const struct value *v) {
        return v->state == VALUE_UNKNOWN ? 0 : v->length;
}

/* Two texts that are the same bytes share them: a program that is no script is named by its own path. */
static bool same_bytes(const struct value *a, const struct value *b) {
        return a->state != VALUE_UNKNOWN && b->state != VALUE_UNKNOWN && a->length == b->length &&
                memcmp(a->bytes, b->bytes, a->length) == 0;
}

static void draft_shorten(struct draft *draft) {
        struct value *argv = &draft->argv;

        if (known_length(argv) <= SHORT_ARGS)
                return;
        argv->length = SHORT_ARGS;
        argv->state = VALUE_CUT;
}

static void text_set(struct text *text, const struct value *v, size_t offset) {
        text->offset = offset;
        text->length = v->length;
        text->state = v->state;
        text->user = v->user;
}

static size_t image_add(struct process_image *image, enum image_text i, const struct value *v, size_t used) {
        if (v->state == VALUE_UNKNOWN)
                return used;
        text_set(&image->texts[i], v, used);
        if (v->length > 0)
                memcpy(image->data + used, v->bytes, v->length);
        return used + v->length;
}

/* The last part of a path. Of a cut path it is not known: another slash may follow. */
static void image_set_name(struct process_image *image) {
        struct text *name = &image->texts[IMAGE_NAME];
        const char *slash;

        *name = image->texts[image->texts[IMAGE_FILENAME].state != VALUE_UNKNOWN ? IMAGE_FILENAME : IMAGE_EXE];
        if (name->state != VALUE_KNOWN) {
                *name = (struct text){ .state = VALUE_UNKNOWN };
                return;
        }

        slash = memrchr(image->data + name->offset, '/', name->length);
        if (slash) {
                size_t after = slash + 1 - image->data;

                name->length = name->offset + name->length - after;
                name->offset = after;
        }
}

/* The arguments once more, joined by spaces: conditions on `args` are frequent, execs are not. */
static size_t image_add_args(struct process_image *image, const struct value *argv, size_t used) {
        struct text *text = &image->texts[IMAGE_ARGS];

        if (argv->state == VALUE_UNKNOWN)
                return used;
        text_set(text, argv, used);
        if (argv->length == 0)
                return used;
        text->length = argv->length - 1;        /* the last NUL ends, it does not join */
        for (size_t i = 0; i < text->length; i++)
                image->data[used + i] = argv->bytes[i] ? argv->bytes[i] : ' ';
        return used + text->length;
}

static void image_set_numbers(struct process_image *image, const struct draft *draft) {
        if (draft->file.state == VALUE_KNOWN) {
                image->file = draft->file.object;
                image->known |= IMAGE_KNOWS_FILE;
        }
        if (draft->file_mode.state == VALUE_KNOWN) {
                image->file_mode = draft->file_mode.number;
                image->known |= IMAGE_KNOWS_MODE;
        }
        if (draft->tty.state == VALUE_KNOWN) {
                image->tty = draft->tty.number;
                image->known |= IMAGE_KNOWS_TTY;
        }
        if (draft->deleted.state == VALUE_KNOWN) {
                image->deleted = draft->deleted.number != 0;
                image->known |= IMAGE_KNOWS_DELETED;
        }
        if (draft->memfd.state == VALUE_KNOWN) {
                image->memfd = draft->memfd.number != 0;
                image->known |= IMAGE_KNOWS_MEMFD;
        }
        if (draft->upper.state == VALUE_KNOWN) {
                image->upper = draft->upper.number != 0;
                image->known |= IMAGE_KNOWS_UPPER;
        }
}

static size_t said_bytes(const struct process_image *image) {
        return offsetof(struct process_image, data) - offsetof(struct process_image, file) + image->size;
}

static void image_free(struct process_image *image) {
        buddy_free_tight(&image->images->buddy, image, sizeof(*image) + image->size);
}

/* It stays, or gives way to the one that says the same. Without memory, or with the hash of another one, it is not
 * found again. */
static struct process_image *image_enter(struct process_image *image) {
        struct process_images *images = image->images;
        uint64_t hash = siphash_table(&image->file, said_bytes(image), siphash_process_key());
        struct process_image *same = idmap_find(&images->by_content, hash);

        if (same && same->size == image->size && memcmp(&same->file, &image->file, said_bytes(image)) == 0 &&
            same->n_refs < UINT32_MAX) {
                image_free(image);
                return process_image_ref(same);
        }
        if (!same && hash != 0 && idmap_put(&images->by_content, hash, image) >= 0)
                image->hash = hash;
        image->number = ++images->last_number;
        images->n_images++;
        return image;
}

struct process_image *process_image_new(struct process_images *images, const struct event *event) {
        struct process_image *image = NULL;
        struct draft draft = {};
        size_t size, used = 0;
        bool shared;

        if (event_kind(event) == WIRE_KIND_execve)
                draft_of_execve(&draft, event);
        else
                draft_of_process(&draft, event);

        if (images->buddy.used_bytes > images->buddy.size / 4 * 3 && known_length(&draft.argv) > SHORT_ARGS) {
                draft_shorten(&draft);
                images->n_shortened++;
        }

        shared = same_bytes(&draft.exe, &draft.filename);
        size = known_length(&draft.exe) + (shared ? 0 : known_length(&draft.filename)) + known_length(&draft.cwd) +
                known_length(&draft.comm) + 2 * known_length(&draft.argv);
        if (size <= UINT16_MAX)
                image = buddy_alloc_tight(&images->buddy, sizeof(*image) + size);
        if (!image) {
                images->n_refused++;
                return NULL;
        }

        memset(image, 0, sizeof(*image) + size);
        image->images = images;
        image->size = size;
        image->n_refs = 1;
        /* An exec of the daemon's own making is an image from process_image_put(). */
        image->before_us = event_kind(event) == WIRE_KIND_process ?
                                   !(event->wire->flags & (WIRE_MENDED | WIRE_EXEC_SEEN)) :
                                   event->wire->flags & WIRE_SYNTHETIC && !(event->wire->flags & WIRE_EXEC_SEEN);

        used = image_add(image, IMAGE_EXE, &draft.exe, used);
        if (shared)
                text_set(&image->texts[IMAGE_FILENAME], &draft.filename, 0);
        else
                used = image_add(image, IMAGE_FILENAME, &draft.filename, used);
        used = image_add(image, IMAGE_CWD, &draft.cwd, used);
        used = image_add(image, IMAGE_COMM, &draft.comm, used);
        used = image_add(image, IMAGE_ARGV, &draft.argv, used);
        /* Where it was shortened, the last string may have lost its end. */
        if (draft.argv.state != VALUE_UNKNOWN && draft.argv.length > 0)
                image->data[used - 1] = '\0';
        used = image_add_args(image, &draft.argv, used);
        assert(used <= size);
        image_set_name(image);
        image_set_numbers(image, &draft);
        return image_enter(image);
}

struct process_image *process_image_ref(struct process_image *image) {
        if (image)
                image->n_refs++;
        return image;
}

struct process_image *process_image_unref(struct process_image *image) {
        if (!image)
                return NULL;

        assert(image->n_refs > 0);
        if (--image->n_refs == 0) {
                image->images->n_images--;
                if (image->hash != 0)
                        (void)idmap_remove(&image->images->by_content, image->hash);
                image_free(image);
        }
        return NULL;
}

uint64_t process_image_number(const struct process_image *image) {
        return image->number;
}

bool process_image_is_before_us(const struct process_image *image) {
        return image && image->before_us;
}

static void get_text(const struct process_image *image, enum image_text i, enum value_type type, struct value *ret) {
        const struct text *text = &image->texts[i];

        *ret = (struct value){
                .bytes = image->data + text->offset,
                .length = text->length,
                .type = type,
                .state = text->state,
                .user = text->user,
        };
}

static void get_number(const struct process_image *image, unsigned knows, int64_t number, struct value *ret) {
        *ret = (struct value){
                .number = number,
                .type = VALUE_NUMBER,
                .state = image->known & knows ? VALUE_KNOWN : VALUE_UNKNOWN,
        };
}

void process_image_get(const struct process_image *image, enum field field, struct value *ret) {
        if (!image) {
                const struct field_info *info = schema_field(field);

                *ret = (struct value){ .type = info ? info->type : VALUE_NUMBER, .state = VALUE_UNKNOWN };
                return;
        }

        /* As a number: a switch over the enum would have to name every field of every kind. */
        switch ((unsigned)field) {
        case FIELD_PROCESS_exe:
                get_text(image, IMAGE_EXE, VALUE_STRING, ret);
                break;
        case FIELD_PROCESS_name:
                get_text(image, IMAGE_NAME, VALUE_STRING, ret);
                break;
        case FIELD_PROCESS_args:
                get_text(image, IMAGE_ARGS, VALUE_STRING, ret);
                break;
        case FIELD_PROCESS_argv:
                get_text(image, IMAGE_ARGV, VALUE_LIST, ret);
                break;
        case FIELD_PROCESS_filename:
                get_text(image, IMAGE_FILENAME, VALUE_STRING, ret);
                break;
        case FIELD_PROCESS_cwd:
                get_text(image, IMAGE_CWD, VALUE_STRING, ret);
                break;
        case FIELD_PROCESS_comm:
                get_text(image, IMAGE_COMM, VALUE_STRING, ret);
                break;
        case FIELD_PROCESS_file:
                *ret = (struct value){
                        .object = image->file,
                        .type = VALUE_OBJECT,
                        .state = image->known & IMAGE_KNOWS_FILE ? VALUE_KNOWN : VALUE_UNKNOWN,
                };
                break;
        case FIELD_PROCESS_exe_deleted:
                get_number(image, IMAGE_KNOWS_DELETED, image->deleted, ret);
                break;
        case FIELD_PROCESS_exe_memfd:
                get_number(image, IMAGE_KNOWS_MEMFD, image->memfd, ret);
                break;
        case FIELD_PROCESS_exe_writable:
                get_number(image, IMAGE_KNOWS_MODE, (image->file_mode & 0022) != 0, ret);
                break;
        case FIELD_PROCESS_upper_layer:
                get_number(image, IMAGE_KNOWS_UPPER, image->upper, ret);
                break;
        case FIELD_PROCESS_tty:
                get_number(image, IMAGE_KNOWS_TTY, image->tty, ret);
                break;
        default:
                process_image_get(NULL, field, ret);
        }
}

static void put_text(const struct process_image *image, enum image_text i, enum value_type type, enum field field,
                     struct record *record) {
        struct value value;

        get_text(image, i, type, &value);
        record_set_value(record, field, &value);
}

static void put_number(const struct process_image *image, unsigned knows, int64_t number, enum field field,
                       struct record *record) {
        if (image->known & knows)
                record_set_number(record, field, number);
}

void process_image_put(const struct process_image *image, struct record *record) {
        record_begin(record, WIRE_KIND_execve);
        record->header.flags = WIRE_SYNTHETIC | (image->before_us ? 0 : WIRE_EXEC_SEEN);
        put_text(image, IMAGE_EXE, VALUE_STRING, FIELD_execve_exe, record);
        put_text(image, IMAGE_FILENAME, VALUE_STRING, FIELD_execve_filename, record);
        put_text(image, IMAGE_CWD, VALUE_STRING, FIELD_execve_cwd, record);
        put_text(image, IMAGE_COMM, VALUE_STRING, FIELD_execve_comm, record);
        put_text(image, IMAGE_ARGV, VALUE_LIST, FIELD_execve_argv, record);
        if (image->known & IMAGE_KNOWS_FILE)
                record_set_object(record, FIELD_execve_file, &image->file);
        put_number(image, IMAGE_KNOWS_MODE, image->file_mode, FIELD_execve_file_mode, record);
        put_number(image, IMAGE_KNOWS_TTY, image->tty, FIELD_execve_tty, record);
        put_number(image, IMAGE_KNOWS_DELETED, image->deleted, FIELD_execve_deleted, record);
        put_number(image, IMAGE_KNOWS_MEMFD, image->memfd, FIELD_execve_memfd, record);
        put_number(image, IMAGE_KNOWS_UPPER, image->upper, FIELD_execve_upper, record);
}
