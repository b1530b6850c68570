/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include <stdlib.h>

#include "base/cleanup.h"

static void put_time(struct strbuf *b, uint64_t ns) {
        char buffer[STORY_TIME_MAX];

        strbuf_put(b, story_time(buffer, ns));
}

/* "tree 100@5" as "tree:sh", "unit x.service" as "unit:x.service". */
static void put_key(struct story *story, const char *key, struct strbuf *b) {
        const char *blank = strchr(key, ' ');
        struct identity id = {};
        const char *label;
        char *end;

        if (!blank) {
                strbuf_put(b, key);
                return;
        }
        strbuf_put_n(b, key, blank - key);
        strbuf_put_char(b, ':');
        id.pid = strtoul(blank + 1, &end, 10);
        if (*end != '@') {
                strbuf_put(b, blank + 1);
                return;
        }
        id.start_ns = strtoull(end + 1, NULL, 10);
        label = story_label(story, &id);
        if (label)
                strbuf_put(b, label);
        else
                strbuf_printf(b, "pid %u", id.pid);
}

/* The alert as people write it, all of it, a blank behind each word. */
static void put_alert(struct story *story, const struct outcome *o, struct strbuf *b) {
        strbuf_printf(b, "%s ", o->path);
        if (o->summary)
                strbuf_printf(b, "summary=%llu ", (unsigned long long)o->suppressed);
        for (size_t i = 0; i < o->n_steps && !o->summary; i++) {
                strbuf_printf(b, "%s%u@", i > 0 ? "," : "steps=", o->steps[i].number);
                put_time(b, o->steps[i].first_ns);
                if (o->steps[i].count != 1)
                        strbuf_printf(b, "*%llu", (unsigned long long)o->steps[i].count);
        }
        strbuf_put(b, o->summary ? "key=" : " key=");
        put_key(story, o->key, b);
        if (o->captures && *o->captures)
                strbuf_put(b, o->captures);
        if (o->uncertain)
                strbuf_put(b, " uncertain");
        if (o->gap)
                strbuf_printf(b, " gap=%llu", (unsigned long long)o->gap_count);
        if (o->starts > 1)
                strbuf_printf(b, " starts=%llu", (unsigned long long)o->starts);
        strbuf_put_char(b, ' ');
}

static size_t next_word(const char **at) {
        *at += strspn(*at, " \t");
        return strcspn(*at, " \t");
}

static bool has_word(const char *line, const char *word, size_t n_word) {
        for (size_t n; (n = next_word(&line)) > 0; line += n)
                if (n == n_word && memcmp(line, word, n) == 0)
                        return true;
        return false;
}

/* Without "*3" behind steps. */
static void without_counts(const char *word, size_t n, struct strbuf *b) {
        for (size_t i = 0; i < n; i++)
                if (word[i] == '*')
                        while (i + 1 < n && word[i + 1] != ',')
                                i++;
                else
                        strbuf_put_char(b, word[i]);
}

static bool may_be_left_out(const char *word) {
        return *word == '$' || strncmp(word, "starts=", 7) == 0;
}

static bool is_as_written(const char *actual, const char *written) {
        const char *at;
        size_t n;

        /* All that is written is so. */
        for (at = written; (n = next_word(&at)) > 0; at += n) {
                _cleanup_(strbuf_done) struct strbuf plain = {};
                const char *found = strstr(actual, "steps=");

                if (has_word(actual, at, n))
                        continue;
                if (strncmp(at, "steps=", 6) != 0 || memchr(at, '*', n) || !found)
                        return false;
                without_counts(found, strcspn(found, " "), &plain);
                if (!memeq_str(at, n, strbuf_str(&plain)))
                        return false;
        }
        /* All that is so is written. */
        for (at = actual; (n = next_word(&at)) > 0; at += n)
                if (!may_be_left_out(at) && strncmp(at, "steps=", 6) != 0 && !has_word(written, at, n))
                        return false;
        return true;
}

void expect_check(struct story *story, const struct outcome_list *outcomes, const char *expect, uint32_t first_line,
                  struct strbuf *report) {
        _cleanup_(freep) bool *found = calloc(outcomes->list.n + 1, sizeof(*found));
        uint32_t number = first_line;

        if (!expect || !found)
                return;
        for (const char *at = expect; *at; number++) {
                const char *end = strchrnul(at, '\n');
                const char *comment = memchr(at, '#', end - at);
                char *line = strndup(at, (comment ?: end) - at);
                const char *word = line;
                bool good = !line || next_word(&word) == 0;

                for (size_t i = 0; i < outcomes->list.n && !good; i++) {
                        _cleanup_(strbuf_done) struct strbuf actual = {};

                        if (found[i])
                                continue;
                        put_alert(story, &outcomes->list.items[i], &actual);
                        if (is_as_written(strbuf_str(&actual), line))
                                found[i] = good = true;
                }
                if (!good)
                        strbuf_printf(report, "line %u: did not come: %s\n", number, line);
                free(line);
                at = *end ? end + 1 : end;
        }
        for (size_t i = 0; i < outcomes->list.n; i++)
                if (!found[i]) {
                        strbuf_put(report, "came, and was not expected: ");
                        put_alert(story, &outcomes->list.items[i], report);
                        strbuf_put_char(report, '\n');
                }
}
