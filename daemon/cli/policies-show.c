/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/policies-show.h"

#include <ctype.h>
#include <string.h>

#include "policy/source.h"

/* What a line of the heading comment belongs to. */
enum part {
        PART_FILE,
        PART_THIS,
        PART_OTHER,
};

static bool is_name(char c) {
        return isalnum((unsigned char)c) || c == '_' || c == '.' || c == '-';
}

/* "# name, other_name - what they are": PART_FILE if it is no such line. */
static enum part heads(struct text line, struct text name) {
        enum part part = PART_OTHER;
        size_t at = 2;

        if (line.length < 3 || line.bytes[1] != ' ' || line.bytes[2] == ' ')
                return PART_FILE;
        for (;;) {
                size_t begin = at;

                while (at < line.length && is_name(line.bytes[at]))
                        at++;
                if (at == begin)
                        return PART_FILE;
                if (text_equal((struct text){line.bytes + begin, at - begin}, name))
                        part = PART_THIS;
                if (line.length - at >= 3 && strncmp(line.bytes + at, " - ", 3) == 0)
                        return part;
                if (line.length - at < 2 || strncmp(line.bytes + at, ", ", 2) != 0)
                        return PART_FILE;
                at += 2;
        }
}

/* The lines of one part. What is indented below a name, and empty lines, belong to what stands above. Returns if there
 * were any. */
static bool put_part(const struct path_node *path, enum part wanted, struct strbuf *b) {
        const char *at = path->source->text, *end = at + path->source->length;
        enum part part = PART_FILE;
        bool any = false;

        while (at < end && *at == '#') {
                const char *stop = memchr(at, '\n', end - at) ?: end;
                struct text line = {at, stop - at};
                enum part head = heads(line, path->name);
                bool is_empty = line.length < 3, is_indented = !is_empty && line.bytes[2] == ' ';

                if (head != PART_FILE || (!is_empty && !is_indented))
                        part = head;
                if (part == wanted && !is_empty) {
                        strbuf_put(b, "  ");
                        strbuf_put_text(b, line.bytes + 2, line.length - 2);
                        strbuf_put_char(b, '\n');
                        any = true;
                }
                at = stop < end ? stop + 1 : end;
        }
        return any;
}

void policies_show(const struct path_node *path, struct strbuf *b) {
        size_t n;

        strbuf_put_text(b, path->name.bytes, path->name.length);
        strbuf_printf(b, ", severity %s", severity_to_string(path->severity));
        for (size_t i = 0; i < path->mitre.n; i++) {
                strbuf_put(b, i == 0 ? ", " : " ");
                strbuf_put_text(b, path->mitre.items[i].bytes, path->mitre.items[i].length);
        }
        strbuf_put(b, "\n  ");
        strbuf_put_text(b, path->description.bytes, path->description.length);
        strbuf_put(b, "\n  written in ");
        strbuf_put_text(b, path->source->name, strlen(path->source->name));
        strbuf_printf(b, ", line %u\n\n", path->span.line);

        n = b->n;
        if (put_part(path, PART_THIS, b))
                strbuf_put_char(b, '\n');
        put_part(path, PART_FILE, b);
        if (b->n == n)
                strbuf_put(b, "  Its file begins with no comment that says more.\n");
}
