/* SPDX-License-Identifier: Apache-2.0 */
#include "compile/pattern.h"

#include <errno.h>
#include <string.h>

#include "base/macro.h"
#include "compile/regex-tree.h"
#include "program/glob.h"

#define SET_MAX 8                       /* a larger set is not written out byte by byte */
#define REPEAT_MAX 8
#define LITERAL_MIN 2

/* A way through the regex is a row of these. */
enum atom {
        ATOM_ANYTHING = 256,            /* any bytes; below: this byte */
        ATOM_NAME,                      /* any bytes but '/' */
        ATOM_NAME_BYTE,                 /* one byte but '/' */
        ATOM_BEGIN,
        ATOM_END,
};

struct way {
        uint16_t *atoms;                /* arena; of this way alone */
        size_t n, capacity;
};

struct ways {
        struct way items[PATTERN_MAX_PARTS];
        size_t n;
};

struct unfolding {
        struct arena *arena;
        bool fold;                      /* letters are small and stand for both cases */
        int error;                      /* -ENOMEM; -E2BIG: there are too many ways, or one cannot be said */
};

static bool way_append(struct unfolding *u, struct way *way, const uint16_t *atoms, size_t n) {
        if (way->n + n > GLOB_MAX) {
                u->error = -E2BIG;
                return false;
        }
        if (way->n + n > way->capacity) {
                size_t capacity = MIN(MAX((size_t)8, 2 * (way->n + n)), (size_t)GLOB_MAX);
                uint16_t *larger = arena_new_array(u->arena, uint16_t, capacity);

                if (!larger) {
                        u->error = -ENOMEM;
                        return false;
                }
                if (way->n > 0)
                        memcpy(larger, way->atoms, way->n * sizeof(*atoms));
                way->atoms = larger;
                way->capacity = capacity;
        }
        memcpy(way->atoms + way->n, atoms, n * sizeof(*atoms));
        way->n += n;
        return true;
}

static bool way_copy(struct unfolding *u, const struct way *way, struct way *ret) {
        *ret = (struct way){};
        return way->n == 0 || way_append(u, ret, way->atoms, way->n);
}

static bool ways_add(struct unfolding *u, struct ways *ways, struct way way) {
        if (ways->n == PATTERN_MAX_PARTS) {
                u->error = -E2BIG;
                return false;
        }
        ways->items[ways->n++] = way;
        return true;
}

static bool ways_add_atom(struct unfolding *u, struct ways *ways, uint16_t atom) {
        struct way way = {};

        return way_append(u, &way, &atom, 1) && ways_add(u, ways, way);
}

/* Every way of the first, followed by every way of the second. */
static bool ways_join(struct unfolding *u, struct ways *first, const struct ways *second) {
        struct ways joined = {};

        for (size_t i = 0; i < first->n; i++)
                for (size_t k = 0; k < second->n; k++) {
                        struct way way = first->items[i];

                        if (k + 1 < second->n && !way_copy(u, &first->items[i], &way))
                                return false;
                        if ((second->items[k].n > 0 &&
                             !way_append(u, &way, second->items[k].atoms, second->items[k].n)) ||
                            !ways_add(u, &joined, way))
                                return false;
                }
        *first = joined;
        return true;
}

static const struct ways ways_empty = {.n = 1};

static bool is_not_slash(const struct regex_node *node) {
        return node->type == REGEX_SET && regex_set_size(node->set) == 255 && !regex_set_has(node->set, '/');
}

static bool unfold(struct unfolding *u, const struct regex_node *node, struct ways *ret);

static bool unfold_set(struct unfolding *u, const struct regex_node *node, struct ways *ret) {
        if (is_not_slash(node))
                return ways_add_atom(u, ret, ATOM_NAME_BYTE);
        if (regex_set_size(node->set) > SET_MAX) {
                u->error = -E2BIG;
                return false;
        }
        for (unsigned c = 0; c < 256; c++) {
                /* The small letter is there, too, and stands for it. */
                if (u->fold && c >= 'A' && c <= 'Z')
                        continue;
                if (regex_set_has(node->set, c) && !ways_add_atom(u, ret, c))
                        return false;
        }
        return true;
}

/* Of what repeats without end only any byte and any but a slash can be said. */
static bool unfold_repeat(struct unfolding *u, const struct regex_node *node, struct ways *ret) {
        const struct regex_node *child = node->children;
        struct ways some = ways_empty, one = {};
        uint32_t max = node->max;

        if (node->min > REPEAT_MAX || (max > REPEAT_MAX && max != REGEX_TREE_INFINITE)) {
                u->error = -E2BIG;
                return false;
        }
        if (child->type == REGEX_SEQUENCE && child->children && !child->children->next)
                child = child->children;        /* a group of one */

        if (!unfold(u, child, &one))
                return false;
        for (uint32_t i = 0; i < node->min; i++)
                if (!ways_join(u, &some, &one))
                        return false;

        if (max == REGEX_TREE_INFINITE) {
                struct ways tail = {};

                if (child->type != REGEX_DOT && !is_not_slash(child)) {
                        u->error = -E2BIG;
                        return false;
                }
                if (!ways_add_atom(u, &tail, child->type == REGEX_DOT ? ATOM_ANYTHING : ATOM_NAME) ||
                    !ways_join(u, &some, &tail))
                        return false;
                *ret = some;
                return true;
        }

        for (uint32_t i = node->min;; i++) {
                for (size_t k = 0; k < some.n; k++) {
                        struct way way;

                        if (!way_copy(u, &some.items[k], &way) || !ways_add(u, ret, way))
                                return false;
                }
                if (i == max)
                        return true;
                if (!ways_join(u, &some, &one))
                        return false;
        }
}

static bool unfold(struct unfolding *u, const struct regex_node *node, struct ways *ret) {
        switch (node->type) {
        case REGEX_BYTE: return ways_add_atom(u, ret, node->byte);
        case REGEX_BEGIN: return ways_add_atom(u, ret, ATOM_BEGIN);
        case REGEX_END: return ways_add_atom(u, ret, ATOM_END);
        case REGEX_SET: return unfold_set(u, node, ret);
        case REGEX_REPEAT: return unfold_repeat(u, node, ret);
        case REGEX_DOT:
                /* A glob has no word for it, but for its two halves. */
                return ways_add_atom(u, ret, ATOM_NAME_BYTE) && ways_add_atom(u, ret, '/');
        case REGEX_SEQUENCE:
                *ret = ways_empty;
                for (const struct regex_node *child = node->children; child; child = child->next) {
                        struct ways one = {};

                        if (!unfold(u, child, &one) || !ways_join(u, ret, &one))
                                return false;
                }
                return true;
        case REGEX_CHOICE:
                for (const struct regex_node *child = node->children; child; child = child->next) {
                        struct ways one = {};

                        if (!unfold(u, child, &one))
                                return false;
                        for (size_t i = 0; i < one.n; i++)
                                if (!ways_add(u, ret, one.items[i]))
                                        return false;
                }
                return true;
        case REGEX_ASSERTION:
                break;
        }
        u->error = -E2BIG;
        return false;
}

/* Anchors at the ends become the lack of a star there; a star swallows the stars beside it. In place. False: it cannot
 * be said. */
static bool way_normalize(struct unfolding *u, struct way *way) {
        uint16_t *atoms = arena_new_array(u->arena, uint16_t, way->n + 3);
        size_t first = 0, end = way->n, n = 0;

        if (!atoms) {
                u->error = -ENOMEM;
                return false;
        }
        while (first < end && way->atoms[first] == ATOM_BEGIN)
                first++;
        while (end > first && way->atoms[end - 1] == ATOM_END)
                end--;

        if (first == 0)
                atoms[n++] = ATOM_ANYTHING;
        for (size_t i = first; i < end + (end == way->n); i++) {
                uint16_t atom = i < end ? way->atoms[i] : (uint16_t)ATOM_ANYTHING;

                if (atom == ATOM_BEGIN || atom == ATOM_END)
                        return false;
                if (n > 0 && (atom == ATOM_ANYTHING || atom == ATOM_NAME) &&
                    (atoms[n - 1] == ATOM_ANYTHING || atoms[n - 1] == ATOM_NAME)) {
                        if (atom == ATOM_ANYTHING)
                                atoms[n - 1] = ATOM_ANYTHING;
                        continue;
                }
                atoms[n++] = atom;
        }
        way->atoms = atoms;
        way->n = n;
        return true;
}

static bool way_to_glob(struct unfolding *u, const struct way *way, struct text *ret) {
        char *glob = arena_alloc(u->arena, 2 * way->n + 1);
        size_t n = 0;

        if (!glob) {
                u->error = -ENOMEM;
                return false;
        }
        for (size_t i = 0; i < way->n; i++)
                switch (way->atoms[i]) {
                case ATOM_ANYTHING:
                        glob[n++] = '*';
                        glob[n++] = '*';
                        break;
                case ATOM_NAME:
                        glob[n++] = '*';
                        break;
                case ATOM_NAME_BYTE:
                        glob[n++] = '?';
                        break;
                case '*': case '?': case '[': case '\\':
                        glob[n++] = '\\';
                        __attribute__((fallthrough));
                default:
                        glob[n++] = (char)way->atoms[i];
                }
        if (n > GLOB_MAX)
                return false;
        *ret = (struct text){.bytes = glob, .length = n};
        return true;
}

static enum predicate_op folded(enum predicate_op op) {
        switch ((int)op) {
        case PREDICATE_STRING: return PREDICATE_STRING_FOLD;
        case PREDICATE_PREFIX: return PREDICATE_PREFIX_FOLD;
        case PREDICATE_SUFFIX: return PREDICATE_SUFFIX_FOLD;
        default: return PREDICATE_CONTAINS_FOLD;
        }
}

static bool has_letters(const char *bytes, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (bytes[i] >= 'a' && bytes[i] <= 'z')
                        return true;
        return false;
}

/* False: the way says too little (everything matches) or too much. */
static bool way_to_part(struct unfolding *u, struct way *way, struct pattern_part *ret) {
        bool open_begin, open_end;
        size_t first, end;
        char *bytes;

        if (!way_normalize(u, way))
                return false;
        open_begin = way->n > 0 && way->atoms[0] == ATOM_ANYTHING;
        open_end = way->n > 1 && way->atoms[way->n - 1] == ATOM_ANYTHING;
        first = open_begin;
        end = way->n - open_end;
        if (first >= end && (open_begin || open_end))
                return false;

        bytes = arena_alloc(u->arena, end - first + 1);
        if (!bytes) {
                u->error = -ENOMEM;
                return false;
        }
        for (size_t i = first; i < end; i++) {
                if (way->atoms[i] >= ATOM_ANYTHING) {
                        if (u->fold)
                                return false;           /* globs have no such form */
                        ret->op = PREDICATE_GLOB;
                        return way_to_glob(u, way, &ret->text);
                }
                bytes[i - first] = (char)way->atoms[i];
        }
        ret->op = open_begin ? (open_end ? PREDICATE_CONTAINS : PREDICATE_SUFFIX)
                             : (open_end ? PREDICATE_PREFIX : PREDICATE_STRING);
        ret->text = (struct text){.bytes = bytes, .length = end - first};
        if (u->fold && has_letters(bytes, end - first))
                ret->op = folded(ret->op);
        return true;
}

static void pattern_unfold(struct unfolding *u, const struct regex_node *root, struct pattern *ret) {
        struct ways ways = {};

        if (!unfold(u, root, &ways))
                return;
        for (size_t i = 0; i < ways.n; i++)
                if (!way_to_part(u, &ways.items[i], &ret->parts[i])) {
                        ret->n_parts = 0;
                        return;
                }
        ret->n_parts = ways.n;
}

/* The longest row of bytes that no match can do without. */
struct search {
        char *run, *best;               /* arena, of the regex's length */
        size_t n_run, n_best, capacity;
};

static void search_break(struct search *s) {
        if (s->n_run > s->n_best) {
                memcpy(s->best, s->run, s->n_run);
                s->n_best = s->n_run;
        }
        s->n_run = 0;
}

static void search_literal(struct search *s, const struct regex_node *node) {
        switch (node->type) {
        case REGEX_BYTE:
                if (s->n_run == s->capacity)
                        search_break(s);
                s->run[s->n_run++] = (char)node->byte;
                return;
        case REGEX_SEQUENCE:
                for (const struct regex_node *child = node->children; child; child = child->next)
                        search_literal(s, child);
                return;
        case REGEX_REPEAT:
                /* Once for certain; what comes before and after it is not known to stand beside it. */
                if (node->min > 0)
                        search_literal(s, node->children);
                if (node->min != 1 || node->max != 1)
                        search_break(s);
                return;
        case REGEX_BEGIN:
        case REGEX_END:
        case REGEX_ASSERTION:
                return;
        case REGEX_DOT:
        case REGEX_SET:
        case REGEX_CHOICE:
                search_break(s);
                return;
        }
}

static int pattern_search(struct arena *arena, const struct regex_node *root, size_t length, struct pattern *ret) {
        struct search s = {.capacity = length + 1};

        s.run = arena_alloc(arena, s.capacity);
        s.best = arena_alloc(arena, s.capacity);
        if (!s.run || !s.best)
                return -ENOMEM;

        search_literal(&s, root);
        search_break(&s);
        if (s.n_best >= LITERAL_MIN)
                ret->literal = (struct text){.bytes = s.best, .length = s.n_best};
        return 0;
}

int pattern_read(struct arena *arena, struct text regex, struct pattern *ret) {
        struct unfolding u = {.arena = arena};
        struct regex_tree tree;
        int r;

        *ret = (struct pattern){.literal = {.bytes = ""}};
        r = regex_tree_read(arena, regex, &tree);
        if (r < 0 || !tree.root)
                return r;

        u.fold = ret->fold = tree.fold;
        if (tree.exact)
                pattern_unfold(&u, tree.root, ret);
        if (u.error == -ENOMEM)
                return -ENOMEM;
        if (ret->n_parts > 0)
                return 0;
        return pattern_search(arena, tree.root, regex.length, ret);
}
