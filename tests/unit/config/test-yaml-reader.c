/* SPDX-License-Identifier: Apache-2.0 */
#include "config/yaml-reader.h"

#include <errno.h>
#include <stdio.h>

#include "base/strbuf.h"
#include "unit.h"

static struct arena arena;
static struct diag_set diags;

static struct yaml_node *read_text(const char *text, int expected) {
        struct yaml_node *root = NULL;

        diag_set_init(&diags, 0);
        ck_assert_int_eq(yaml_read("f", text, strlen(text), &arena, &diags, &root), expected);
        return root;
}

static void forget(void) {
        diag_set_done(&diags);
        arena_done(&arena);
}

/* A text with one fault gives one message, at this place. */
static void complains(const char *text, uint32_t line, uint32_t column, const char *message) {
        struct yaml_node *root = NULL;
        int r;

        diag_set_init(&diags, 0);
        r = yaml_read("f", text, strlen(text), &arena, &diags, &root);
        ck_assert_msg(r == 0 || r == -EBADMSG, "%d for: %s", r, text);
        ck_assert_msg(diags.list.n == 1, "%zu messages for: %s", diags.list.n, text);
        ck_assert_msg(strstr(diags.list.items[0].text, message), "'%s' for: %s", diags.list.items[0].text, text);
        ck_assert_uint_eq(diags.list.items[0].span.line, line);
        ck_assert_uint_eq(diags.list.items[0].span.column, column);
        forget();
}

START_TEST(mappings_sequences_and_scalars_become_a_tree_with_places) {
        struct yaml_node *root, *section, *list;

        root = read_text("# comment\n"
                         "capture:\n"
                         "    size: 4M\n"
                         "    list: [a, \"b c\"]\n",
                         0);
        ck_assert_int_eq(root->type, YAML_MAPPING);
        section = root->first;
        ck_assert_str_eq(section->key->text, "capture");
        ck_assert_uint_eq(section->key->span.line, 2);
        ck_assert_uint_eq(section->key->span.column, 1);
        ck_assert_uint_eq(section->key->span.length, 7);
        ck_assert_uint_eq(section->key->span.offset, 10);
        ck_assert_ptr_null(section->next);

        ck_assert_str_eq(section->first->key->text, "size");
        ck_assert_str_eq(section->first->text, "4M");
        ck_assert(section->first->is_plain);
        ck_assert_uint_eq(section->first->span.line, 3);
        ck_assert_uint_eq(section->first->span.column, 11);

        list = section->first->next;
        ck_assert_int_eq(list->type, YAML_SEQUENCE);
        ck_assert_str_eq(list->first->text, "a");
        ck_assert_str_eq(list->first->next->text, "b c");
        ck_assert(!list->first->next->is_plain);
        ck_assert_uint_eq(list->first->next->span.length, 5);
        ck_assert_ptr_null(list->first->next->next);
        forget();
}
END_TEST

START_TEST(a_text_without_a_document_has_no_root) {
        ck_assert_ptr_null(read_text("", 0));
        forget();
        ck_assert_ptr_null(read_text("# only this\n\n", 0));
        forget();
}
END_TEST

START_TEST(columns_are_bytes_also_behind_characters_of_several) {
        struct yaml_node *root = read_text("\xc3\xa9\xe4\xb8\xad: x\nb: \xf0\x9f\x98\x80 # \xc3\xa9\nc: y\n", 0);

        ck_assert_uint_eq(root->first->span.column, 8);
        ck_assert_uint_eq(root->first->next->span.length, 4);
        ck_assert_uint_eq(root->first->next->next->span.line, 3);
        ck_assert_uint_eq(root->first->next->next->span.offset, 25);
        forget();
}
END_TEST

START_TEST(line_ends_of_every_kind_keep_the_count) {
        struct yaml_node *root = read_text("a: 1\r\nb: 2\r\n\r\nc: 3\n", 0);

        ck_assert_str_eq(root->first->text, "1");
        ck_assert_uint_eq(root->first->next->next->span.line, 4);
        ck_assert_uint_eq(root->first->next->next->span.column, 4);
        forget();
}
END_TEST

START_TEST(what_is_not_tame_is_refused_where_it_stands) {
        complains("a: &x 1\n", 1, 4, "anchors");
        complains("a: *x\n", 1, 4, "aliases");
        complains("a: !!int 1\n", 1, 4, "tags");
        complains("a: 1\n---\nb: 2\n", 2, 1, "second document");
        complains("[a, b]: 1\n", 1, 1, "a key must be a name");
        complains("{a: b}: 1\n", 1, 1, "a key must be a name");
        complains("a: 1\nb: 2\na: 3\n", 3, 1, "'a' is set twice");
        complains("a: \"x\\0y\"\n", 1, 4, "NUL");
}
END_TEST

START_TEST(the_first_place_of_a_key_is_shown_beside_the_second) {
        read_text("s:\n  k: 1\n  k: 2\n", 0);
        ck_assert_str_eq(diags.list.items[0].related_text, "first set here");
        ck_assert_uint_eq(diags.list.items[0].related.line, 2);
        ck_assert_uint_eq(diags.list.items[0].related.column, 3);
        forget();
}
END_TEST

START_TEST(bytes_that_are_no_text_are_refused_before_anything_is_read) {
        complains("a: 1\nb: \xff\n", 2, 4, "not UTF-8");
        complains("a: \xc3\n", 1, 4, "not UTF-8");
        complains("a: \x01\n", 1, 4, "U+0001");
        complains("a: \x1b[2J\n", 1, 4, "U+001B");
        complains("ab: \xe2\x80\xae\n", 1, 5, "U+202E");
        complains("\xef\xbb\xbf" "a: 1\n", 1, 1, "U+FEFF");
        complains("\xfe\xff\0a", 1, 1, "not UTF-8");
}
END_TEST

START_TEST(faults_of_syntax_have_a_place_too) {
        complains("a: [1, 2\nb: 3\n", 2, 2, "");
        complains("a:\n\t- b\n", 2, 1, "");
        complains("a: 'x\n", 2, 1, "");
        complains("a: b: c\n", 1, 5, "");
}
END_TEST

START_TEST(several_faults_are_all_reported) {
        struct yaml_node *root = read_text("a: &x 1\nb: *x\na: 2\nc: 3\n", 0);

        ck_assert_uint_eq(diags.n_errors, 3);
        /* what is left is there to be looked at further */
        ck_assert_str_eq(root->first->key->text, "a");
        ck_assert_str_eq(root->first->next->key->text, "c");
        forget();
}
END_TEST

START_TEST(depth_and_number_are_bounded) {
        struct strbuf b = {};

        strbuf_put_repeat(&b, '[', YAML_DEPTH_MAX);
        strbuf_put_repeat(&b, ']', YAML_DEPTH_MAX);
        read_text(strbuf_str(&b), 0);
        forget();

        strbuf_clear(&b);
        strbuf_put_repeat(&b, '[', 100000);
        complains(strbuf_str(&b), 1, YAML_DEPTH_MAX + 1, "nested more than");

        strbuf_clear(&b);
        for (int i = 0; i < YAML_NODES_MAX - 1; i++)
                strbuf_put(&b, "- x\n");
        read_text(strbuf_str(&b), 0);
        forget();
        strbuf_put(&b, "- x\n");
        complains(strbuf_str(&b), YAML_NODES_MAX, 3, "more than");
        strbuf_done(&b);
}
END_TEST

static const struct yaml_rules wide = {
        .max_depth = 4,
        .max_nodes = 32,
        .has_aliases = true,
        .has_documents = true,
        .has_hidden = true,
};

static struct yaml_node *read_wide(const char *text, int expected) {
        struct yaml_node *root = NULL;

        diag_set_init(&diags, 0);
        ck_assert_int_eq(yaml_read_by(&wide, "f", text, strlen(text), &arena, &diags, &root), expected);
        return root;
}

START_TEST(documents_are_read_one_after_the_other_up_to_a_fault) {
        struct yaml_node *root = read_wide("a: 1\n---\n---\nb: 2\n", 0);

        ck_assert_str_eq(root->first->key->text, "a");
        ck_assert_str_eq(root->next->text, "");
        ck_assert_str_eq(root->next->next->first->text, "2");
        ck_assert_ptr_null(root->next->next->next);
        forget();

        root = read_wide("a: 1\n---\nb: [\n", -EBADMSG);
        ck_assert_str_eq(root->first->text, "1");
        ck_assert_ptr_null(root->next);
        forget();
}
END_TEST

START_TEST(an_alias_is_what_its_anchor_was) {
        struct yaml_node *root = read_wide("a: &x [1, 2]\nb: *x\nc: &x 3\nd: *x\n", 0);
        struct yaml_node *b = root->first->next;

        ck_assert_str_eq(b->key->text, "b");
        ck_assert_int_eq(b->type, YAML_SEQUENCE);
        ck_assert_str_eq(b->first->next->text, "2");
        ck_assert_uint_eq(b->span.line, 2);
        ck_assert_uint_eq(b->n_nodes, 3);
        ck_assert_str_eq(b->next->next->text, "3");
        forget();
}
END_TEST

START_TEST(nothing_holds_itself_and_anchors_end_with_their_document) {
        read_wide("a: &x [1, *x]\n", 0);
        ck_assert_uint_eq(diags.n_errors, 1);
        ck_assert_uint_eq(diags.list.items[0].span.column, 11);
        forget();

        read_wide("a: &x 1\n---\nb: *x\n", 0);
        ck_assert_str_eq(diags.list.items[0].text, "nothing before this has the anchor '&x'");
        forget();
}
END_TEST

START_TEST(aliases_count_for_all_that_they_stand_for) {
        read_wide("a: &a [1, 2, 3]\nb: &b [*a, *a]\nc: [*b, *b]\n", -EBADMSG);
        ck_assert_str_eq(diags.list.items[0].text, "more than 32 values");
        ck_assert_uint_eq(diags.list.items[0].span.line, 3);
        forget();
}
END_TEST

START_TEST(text_that_hides_can_be_data_but_control_characters_cannot) {
        ck_assert_str_eq(read_wide("a: x\xe2\x80\xaey\n", 0)->first->text, "x\xe2\x80\xaey");
        forget();
        read_wide("a: x\xc2\x85y\n", -EBADMSG);
        forget();
        read_wide("a: \x1b\n", -EBADMSG);
        forget();
}
END_TEST

static int read_some_wide(void *userdata) {
        const char text[] = "a: &x [b, c]\n---\nd: &y {e: f}\ng: *y\n";
        struct yaml_node *root;
        int r;

        diag_set_init(&diags, 0);
        r = yaml_read_by(&wide, "f", text, strlen(text), &arena, &diags, &root);
        forget();
        return r;
}

static int read_some(void *userdata) {
        const char text[] = "a: [b, c]\nd: {e: f}\n";
        struct yaml_node *root;
        int r;

        diag_set_init(&diags, 0);
        r = yaml_read("f", text, strlen(text), &arena, &diags, &root);
        forget();
        return r;
}

START_TEST(without_memory_nothing_leaks) {
        ck_assert_uint_ge(alloc_fail_sweep(read_some, NULL), 1);
        ck_assert_uint_ge(alloc_fail_sweep(read_some_wide, NULL), 1);
}
END_TEST

UNIT_MAIN("config/yaml-reader",
          mappings_sequences_and_scalars_become_a_tree_with_places,
          a_text_without_a_document_has_no_root,
          columns_are_bytes_also_behind_characters_of_several,
          line_ends_of_every_kind_keep_the_count,
          what_is_not_tame_is_refused_where_it_stands,
          the_first_place_of_a_key_is_shown_beside_the_second,
          bytes_that_are_no_text_are_refused_before_anything_is_read,
          faults_of_syntax_have_a_place_too,
          several_faults_are_all_reported,
          depth_and_number_are_bounded,
          documents_are_read_one_after_the_other_up_to_a_fault,
          an_alias_is_what_its_anchor_was,
          nothing_holds_itself_and_anchors_end_with_their_document,
          aliases_count_for_all_that_they_stand_for,
          text_that_hides_can_be_data_but_control_characters_cannot,
          without_memory_nothing_leaks)
