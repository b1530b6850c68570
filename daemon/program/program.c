/* SPDX-License-Identifier: Apache-2.0 */
#include "program/program.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/macro.h"
#include "base/siphash.h"
#include "program/program-verify.h"
#include "program/regex.h"

_Static_assert(sizeof(struct program_header) % 8 == 0, "sections begin behind the header, at a multiple of 8");
_Static_assert(WIRE_KIND_cgroup == 64, "all kinds that policies wait for have a bit in sets of kinds");

/* Records are written as they lie in memory, and compared and hashed as bytes: so nothing in them may be padding. */
_Static_assert(sizeof(struct predicate) == 16, "no padding");
_Static_assert(sizeof(struct guard) == 8, "no padding");
_Static_assert(sizeof(struct condition) == 12, "no padding");
_Static_assert(sizeof(struct edge) == 32, "no padding");
_Static_assert(sizeof(struct position) == 24, "no padding");
_Static_assert(sizeof(struct block) == 32, "no padding");
_Static_assert(sizeof(struct step) == 32, "no padding");
_Static_assert(sizeof(struct path) == 144, "no padding");
_Static_assert(sizeof(struct path_exception) == 40, "no padding");
_Static_assert(sizeof(struct until) == 16 && sizeof(struct repeat) == 16 && sizeof(struct absence) == 16, "no padding");
_Static_assert(sizeof(struct matcher_ref) == 32, "no padding");
_Static_assert(sizeof(struct regex_text) == 24, "no padding");

DEFINE_CLEANUP(struct program *, program_unref)
DEFINE_CLEANUP(struct regex_scratch *, regex_scratch_unref)

static int program_compile_regexes(struct program *program, const char **ret_where) {
        _cleanup_(regex_scratch_unrefp) struct regex_scratch *scratch = NULL;
        size_t together = 0;
        int r;

        if (program->n_regexes == 0)
                return 0;

        program->compiled = calloc(program->n_regexes, sizeof(*program->compiled));
        if (!program->compiled)
                return -ENOMEM;

        r = regex_scratch_new(&scratch);
        if (r < 0)
                return r;

        for (uint32_t i = 0; i < program->n_regexes; i++) {
                const struct regex_text *text = &program->regexes[i];
                const char *message;
                size_t offset;

                r = regex_new(program_text(program, text->pattern), text->pattern.length, text->caseless,
                              &program->compiled[i], &message, &offset);
                if (r == -EBADMSG)
                        *ret_where = "pattern of a regex";
                if (r < 0)
                        return r;
                together += regex_size(program->compiled[i]);
                if (together > REGEX_MAX_TOGETHER) {
                        *ret_where = "regexes, too large together";
                        return -EBADMSG;
                }
                regex_set_scratch(program->compiled[i], scratch);
        }
        return 0;
}

int program_new(const void *data, size_t size, struct program **ret, const char **ret_where) {
        _cleanup_(program_unrefp) struct program *program = NULL;
        const char *where = NULL;
        void *block;
        int r;

        assert(data && ret);

        if (!ret_where)
                ret_where = &where;

        program = calloc(1, sizeof(*program));
        if (!program)
                return -ENOMEM;
        program->n_refs = 1;

        program->header = block = malloc(size > 0 ? size : 1);
        if (!block)
                return -ENOMEM;
        memcpy(block, data, size);

        r = program_view(block, size, program, ret_where);
        if (r < 0)
                return r;

        r = program_verify(program, ret_where);
        if (r < 0)
                return r;

        r = program_compile_regexes(program, ret_where);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(program);
        return 0;
}

void program_set_generation(struct program *program, uint64_t generation) {
        assert(program->n_refs == 1);

        /* Its own copy, made by program_new(), is only called const. */
        ((struct program_header *)program->header)->generation = generation;
}

struct program *program_ref(struct program *program) {
        assert(program && program->n_refs > 0);

        program->n_refs++;
        return program;
}

struct program *program_unref(struct program *program) {
        if (!program)
                return NULL;

        assert(program->n_refs > 0);
        if (--program->n_refs > 0)
                return NULL;

        if (program->compiled)
                for (uint32_t i = 0; i < program->n_regexes; i++)
                        regex_free(program->compiled[i]);
        free(program->compiled);
        free((void *)program->header);
        free(program);
        return NULL;
}

uint64_t program_schema_fingerprint(void) {
        static const struct siphash_key key = {.k0 = UINT64_C(0x6578656372617964), .k1 = UINT64_C(0x736368656d61)};
        struct siphash s;

        siphash_begin64(&s, &key);
        siphash_add_u64(&s, WIRE_VERSION);
        for (unsigned i = 1; i < _WIRE_KIND_MAX; i++) {
                const struct kind_info *kind = schema_kind((enum wire_kind)i);

                siphash_add(&s, kind->name, strlen(kind->name) + 1);
        }
        for (unsigned i = 0; i < _FIELD_MAX; i++) {
                const struct field_info *field = schema_field((enum field)i);

                siphash_add_u64(&s, i);
                if (!field)
                        continue;
                siphash_add(&s, field->name, strlen(field->name) + 1);
                siphash_add_u64(&s, field->type);
                siphash_add_u64(&s, (uint64_t)field->scope << 32 | (field->scope == FIELD_EVENT ? field->kind : 0));
        }
        return siphash_end64(&s);
}

static const char *const severity_names[_SEVERITY_MAX] = {
        [SEVERITY_INFO] = "info",
        [SEVERITY_LOW] = "low",
        [SEVERITY_MEDIUM] = "medium",
        [SEVERITY_HIGH] = "high",
        [SEVERITY_CRITICAL] = "critical",
};

static const char *const key_names[_KEY_MAX] = {
        [KEY_TREE] = "tree",
        [KEY_PROCESS] = "process",
        [KEY_DESCENT] = "descent",
        [KEY_UNIT] = "unit",
        [KEY_CONTAINER] = "container",
        [KEY_USER] = "user",
        [KEY_HOST] = "host",
};

static int name_find(const char *const *names, size_t n_names, const char *name, size_t length) {
        for (size_t i = 0; i < n_names; i++)
                if (memeq_str(name, length, names[i]))
                        return (int)i;
        return -EINVAL;
}

const char *severity_to_string(enum severity severity) {
        return severity < _SEVERITY_MAX ? severity_names[severity] : NULL;
}

static const char *const enforce_names[_PATH_ENFORCE_MAX] = {
        [PATH_ENFORCE_NONE] = "none",
        [PATH_ENFORCE_KILL] = "kill",
        [PATH_ENFORCE_DENY] = "deny",
};

const char *path_enforce_to_string(enum path_enforce enforce) {
        return enforce < _PATH_ENFORCE_MAX ? enforce_names[enforce] : NULL;
}

int path_enforce_from_string(const char *name, size_t length) {
        return name_find(enforce_names, ELEMENTSOF(enforce_names), name, length);
}

const char *program_key_to_string(enum program_key key) {
        return key < _KEY_MAX ? key_names[key] : NULL;
}

int severity_from_string(const char *name, size_t length) {
        return name_find(severity_names, ELEMENTSOF(severity_names), name, length);
}

int program_key_from_string(const char *name, size_t length) {
        return name_find(key_names, ELEMENTSOF(key_names), name, length);
}
