/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"

size_t utf8_decode(const char *s, size_t n, uint32_t *ret) {
        const uint8_t *p = (const uint8_t *)s;
        uint32_t c, least;
        size_t length;

        if (n == 0)
                return 0;

        if (p[0] < 0x80) {
                *ret = p[0];
                return 1;
        } else if ((p[0] & 0xe0) == 0xc0) {
                length = 2;
                c = p[0] & 0x1f;
                least = 0x80;
        } else if ((p[0] & 0xf0) == 0xe0) {
                length = 3;
                c = p[0] & 0x0f;
                least = 0x800;
        } else if ((p[0] & 0xf8) == 0xf0) {
                length = 4;
                c = p[0] & 0x07;
                least = 0x10000;
        } else
                return 0;

        if (n < length)
                return 0;

        for (size_t i = 1; i < length; i++) {
                if ((p[i] & 0xc0) != 0x80)
                        return 0;
                c = (c << 6) | (p[i] & 0x3f);
        }

        if (c < least || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
                return 0;

        *ret = c;
        return length;
}

bool utf8_is_valid(const char *s, size_t n) {
        uint32_t c;

        for (size_t i = 0, k; i < n; i += k) {
                k = utf8_decode(s + i, n - i, &c);
                if (k == 0)
                        return false;
        }
        return true;
}

bool utf8_is_showable(uint32_t c) {
        if (c < 0x20 || (c >= 0x7f && c < 0xa0))
                return false;
        if (c == 0xad || c == 0x61c || c == 0x180e)
                return false;
        if ((c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f))
                return false;
        if (c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) || (c >= 0xe0000 && c <= 0xe0fff))
                return false;
        if ((c & 0xfffe) == 0xfffe || (c >= 0xfdd0 && c <= 0xfdef))
                return false;
        return true;
}
