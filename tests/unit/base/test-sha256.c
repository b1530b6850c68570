/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sha256.h"

#include "unit.h"

static void is(const char *text, size_t n, size_t piece, const char *expected) {
        struct sha256 sha;
        char hex[SHA256_HEX];

        sha256_init(&sha);
        for (size_t i = 0; i < n; i += piece)
                sha256_add(&sha, text + i, MIN(piece, n - i));
        sha256_finish_hex(&sha, hex);
        ck_assert_str_eq(hex, expected);
}

START_TEST(the_examples_of_the_standard_come_out) {
        is("", 0, 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        is("abc", 3, 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        is("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56, 56,
           "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}
END_TEST

START_TEST(a_million_letters_come_out_whatever_the_pieces) {
        static char letters[1000000];

        memset(letters, 'a', sizeof(letters));
        for (size_t piece = 1; piece < 200; piece += 37)
                is(letters, sizeof(letters), piece, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}
END_TEST

START_TEST(every_length_around_a_block_agrees_with_itself_in_pieces) {
        char whole[SHA256_HEX], pieces[SHA256_HEX], text[200];
        struct sha256 sha;

        memset(text, 'x', sizeof(text));
        for (size_t n = 0; n < sizeof(text); n++) {
                sha256_init(&sha);
                sha256_add(&sha, text, n);
                sha256_finish_hex(&sha, whole);
                sha256_init(&sha);
                for (size_t i = 0; i < n; i++)
                        sha256_add(&sha, text + i, 1);
                sha256_finish_hex(&sha, pieces);
                ck_assert_str_eq(whole, pieces);
        }
}
END_TEST

UNIT_MAIN("base/sha256", the_examples_of_the_standard_come_out, a_million_letters_come_out_whatever_the_pieces,
          every_length_around_a_block_agrees_with_itself_in_pieces)
