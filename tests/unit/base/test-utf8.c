/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"

#include <string.h>

#include "unit.h"

/* Encoding is only needed here. */
static size_t encode(uint32_t c, char *s) {
        if (c < 0x80) {
                s[0] = c;
                return 1;
        }
        if (c < 0x800) {
                s[0] = 0xc0 | (c >> 6);
                s[1] = 0x80 | (c & 0x3f);
                return 2;
        }
        if (c < 0x10000) {
                s[0] = 0xe0 | (c >> 12);
                s[1] = 0x80 | ((c >> 6) & 0x3f);
                s[2] = 0x80 | (c & 0x3f);
                return 3;
        }
        s[0] = 0xf0 | (c >> 18);
        s[1] = 0x80 | ((c >> 12) & 0x3f);
        s[2] = 0x80 | ((c >> 6) & 0x3f);
        s[3] = 0x80 | (c & 0x3f);
        return 4;
}

START_TEST(every_character_but_the_surrogates_is_read_back) {
        char s[4];

        for (uint32_t c = 0; c <= 0x10ffff; c++) {
                size_t n = encode(c, s);
                uint32_t got = UINT32_MAX;
                bool is_surrogate = c >= 0xd800 && c <= 0xdfff;

                if (utf8_decode(s, n, &got) != (is_surrogate ? 0 : n) || (!is_surrogate && got != c) ||
                    utf8_decode(s, n - 1, &got) != 0)
                        ck_abort_msg("U+%04X", c);
        }
}
END_TEST

START_TEST(what_is_not_utf8_is_not_read) {
        static const char *const bad[] = {
                "\x80",
                "\xbf",
                "\xc0\x80",
                "\xc1\xbf",
                "\xe0\x80\x80",
                "\xe0\x9f\xbf",
                "\xf0\x80\x80\x80",
                "\xf0\x8f\xbf\xbf",
                "\xf4\x90\x80\x80",
                "\xf5\x80\x80\x80",
                "\xf8\x88\x80\x80\x80",
                "\xff",
                "\xfe",
                "\xc3(",
                "\xe2\x82(",
                "\xed\xa0\x80",
        };
        uint32_t c;

        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
                ck_assert_uint_eq(utf8_decode(bad[i], strlen(bad[i]), &c), 0);
                ck_assert(!utf8_is_valid(bad[i], strlen(bad[i])));
        }
        ck_assert_uint_eq(utf8_decode("", 0, &c), 0);
        ck_assert(utf8_is_valid("", 0));
        ck_assert(utf8_is_valid("na\xc3\xafve", 6));
        ck_assert(!utf8_is_valid("na\xc3", 3));
}
END_TEST

START_TEST(what_would_steer_or_deceive_a_terminal_is_not_shown) {
        static const uint32_t hidden[] = {0,      '\n',   '\t',   0x1b,    0x7f,   0x80,   0x9b,
                                          0x9f,   0xad,   0x200b, 0x200e,  0x2028, 0x202e, 0x2066,
                                          0xfeff, 0xfffe, 0xffff, 0x1fffe, 0xfdd0, 0xe0041};
        static const uint32_t shown[] = {' ', 'a', '~', 0xa0, 0xe9, 0x416, 0x4e2d, 0x2500, 0xfffd, 0x1f600};

        for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
                ck_assert_msg(!utf8_is_showable(hidden[i]), "U+%04X", hidden[i]);
        for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
                ck_assert_msg(utf8_is_showable(shown[i]), "U+%04X", shown[i]);
}
END_TEST

UNIT_MAIN("base/utf8",
          every_character_but_the_surrogates_is_read_back,
          what_is_not_utf8_is_not_read,
          what_would_steer_or_deceive_a_terminal_is_not_shown)
