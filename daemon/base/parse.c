/* SPDX-License-Identifier: Apache-2.0 */
#include "base/parse.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"

static int digit_value(char c) {
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        if (c >= 'A' && c <= 'F')
                return c - 'A' + 10;
        return 99;
}

/* All of s[0..n) as digits of this base. -EINVAL for another character wherever it stands, even after an overflow. */
static int parse_digits(const char *s, size_t n, unsigned base, uint64_t *ret) {
        uint64_t value = 0;
        bool too_large = false;

        if (n == 0)
                return -EINVAL;

        for (size_t i = 0; i < n; i++) {
                unsigned digit = digit_value(s[i]);

                if (digit >= base)
                        return -EINVAL;
                if (__builtin_mul_overflow(value, (uint64_t)base, &value) ||
                    __builtin_add_overflow(value, (uint64_t)digit, &value))
                        too_large = true;
        }
        if (too_large)
                return -ERANGE;

        *ret = value;
        return 0;
}

static int parse_c_number(const char *s, size_t n, uint64_t *ret) {
        if (n > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X'))
                return parse_digits(s + 2, n - 2, 16, ret);
        if (n > 1 && s[0] == '0')
                return parse_digits(s + 1, n - 1, 8, ret);
        return parse_digits(s, n, 10, ret);
}

int parse_u64_n(const char *s, size_t n, uint64_t min, uint64_t max, uint64_t *ret) {
        uint64_t value;
        int r;

        r = parse_c_number(s, n, &value);
        if (r < 0)
                return r;
        if (value < min || value > max)
                return -ERANGE;

        *ret = value;
        return 0;
}

int parse_i64_n(const char *s, size_t n, int64_t min, int64_t max, int64_t *ret) {
        bool is_negative = n > 0 && s[0] == '-';
        uint64_t magnitude;
        int64_t value;
        int r;

        if (n > 0 && (s[0] == '-' || s[0] == '+')) {
                s++;
                n--;
        }

        r = parse_c_number(s, n, &magnitude);
        if (r < 0)
                return r;
        if (magnitude > (uint64_t)INT64_MAX + is_negative)
                return -ERANGE;

        value = is_negative ? (int64_t)-magnitude : (int64_t)magnitude;
        if (value < min || value > max)
                return -ERANGE;

        *ret = value;
        return 0;
}

/* Largest first; the first spelling of each is the one that format_duration() uses. */
static const struct duration_unit {
        const char *name;
        uint64_t ns;
} duration_units[] = {
        {"w", 7 * NSEC_PER_DAY},
        {"d", NSEC_PER_DAY},
        {"h", NSEC_PER_HOUR},
        {"min", NSEC_PER_MIN},
        {"m", NSEC_PER_MIN},
        {"s", NSEC_PER_SEC},
        {"ms", NSEC_PER_MSEC},
        {"us", NSEC_PER_USEC},
        {"ns", 1},
};

static const struct duration_unit *find_duration_unit(const char *s, size_t n) {
        for (size_t i = 0; i < ELEMENTSOF(duration_units); i++)
                if (memeq_str(s, n, duration_units[i].name))
                        return &duration_units[i];
        return NULL;
}

static size_t count_while(const char *s, size_t n, char first, char last) {
        size_t i = 0;

        while (i < n && s[i] >= first && s[i] <= last)
                i++;
        return i;
}

/* digits[.digits] of this unit, in nanoseconds. Digits that are finer than a nanosecond are refused, not lost. */
static int parse_duration_part(const char *whole, size_t n_whole, const char *fraction, size_t n_fraction,
                               uint64_t unit_ns, uint64_t *ret_ns) {
        uint64_t value, ns, scale = unit_ns;
        int r;

        r = parse_digits(whole, n_whole, 10, &value);
        if (r < 0)
                return r;
        if (__builtin_mul_overflow(value, unit_ns, &ns))
                return -ERANGE;

        for (size_t i = 0; i < n_fraction; i++) {
                uint64_t digit = fraction[i] - '0';

                if (digit > 0 && (scale * digit) % 10 != 0)
                        return -EINVAL;
                if (__builtin_add_overflow(ns, scale * digit / 10, &ns))
                        return -ERANGE;
                if (scale % 10 != 0 &&
                    count_while(fraction + i + 1, n_fraction - i - 1, '0', '0') != n_fraction - i - 1)
                        return -EINVAL;
                scale /= 10;
        }

        *ret_ns = ns;
        return 0;
}

int parse_duration_n(const char *s, size_t n, uint64_t min_ns, uint64_t max_ns, uint64_t *ret_ns) {
        uint64_t total = 0, last_unit = UINT64_MAX;
        bool had_fraction = false, too_large = false;
        int r;

        if (n == 0)
                return -EINVAL;

        for (size_t i = 0; i < n && !memeq_str(s, n, "0");) {
                const struct duration_unit *unit;
                size_t whole = i, n_whole, fraction, n_fraction = 0, name;
                uint64_t ns;

                if (had_fraction)
                        return -EINVAL;

                n_whole = count_while(s + i, n - i, '0', '9');
                i += n_whole;
                fraction = i;
                if (i < n && s[i] == '.') {
                        fraction = i + 1;
                        n_fraction = count_while(s + fraction, n - fraction, '0', '9');
                        if (n_fraction == 0)
                                return -EINVAL;
                        i = fraction + n_fraction;
                        had_fraction = true;
                }

                name = i;
                i += count_while(s + i, n - i, 'a', 'z');
                unit = find_duration_unit(s + name, i - name);
                if (!unit || unit->ns >= last_unit)
                        return -EINVAL;
                last_unit = unit->ns;

                r = parse_duration_part(s + whole, n_whole, s + fraction, n_fraction, unit->ns, &ns);
                if (r == -EINVAL)
                        return r;
                if (r < 0 || __builtin_add_overflow(total, ns, &total))
                        too_large = true;       /* go on: bad form is the better message */
        }

        if (too_large || total < min_ns || total > max_ns)
                return -ERANGE;

        *ret_ns = total;
        return 0;
}

int parse_size_n(const char *s, size_t n, uint64_t min, uint64_t max, uint64_t *ret_bytes) {
        static const char units[] = "KMGT";
        uint64_t value;
        unsigned shift = 0;
        int r;

        if (n > 3 && s[n - 2] == 'i' && s[n - 1] == 'B' && strchr(units, s[n - 3]))
                n -= 2;
        if (n > 1 && s[n - 1] != 0 && strchr(units, s[n - 1])) {
                shift = 10 * (strchr(units, s[n - 1]) - units + 1);
                n--;
        }

        r = parse_c_number(s, n, &value);
        if (r < 0)
                return r;
        if (value > UINT64_MAX >> shift)
                return -ERANGE;

        value <<= shift;
        if (value < min || value > max)
                return -ERANGE;

        *ret_bytes = value;
        return 0;
}

int parse_mode_n(const char *s, size_t n, uint32_t *ret) {
        uint64_t value;
        int r;

        if (n > 2 && s[0] == '0' && s[1] == 'o') {
                s += 2;
                n -= 2;
        }

        r = parse_digits(s, n, 8, &value);
        if (r < 0)
                return r;
        if (value > 07777)
                return -ERANGE;

        *ret = value;
        return 0;
}

int parse_bool_n(const char *s, size_t n, bool *ret) {
        static const char *const words[] = {"no", "yes", "false", "true", "off", "on", "0", "1"};

        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                if (memeq_str(s, n, words[i])) {
                        *ret = i & 1;
                        return 0;
                }
        return -EINVAL;
}

char *format_duration(char buffer[static FORMAT_DURATION_MAX], uint64_t ns) {
        size_t n = 0;

        if (ns == NSEC_INFINITY)
                return strcpy(buffer, "infinity");
        if (ns == 0)
                return strcpy(buffer, "0s");

        /* Weeks are read but not written: 10d says more than 1w3d. */
        for (size_t i = 1; i < ELEMENTSOF(duration_units); i++) {
                uint64_t count = ns / duration_units[i].ns;

                if (count == 0)
                        continue;
                n += snprintf(buffer + n, FORMAT_DURATION_MAX - n, "%" PRIu64 "%s", count, duration_units[i].name);
                ns %= duration_units[i].ns;
        }
        return buffer;
}

char *format_size(char buffer[static FORMAT_SIZE_MAX], uint64_t bytes) {
        static const char *const units[] = {"", "K", "M", "G", "T"};
        size_t unit = 0;

        while (bytes > 0 && bytes % 1024 == 0 && unit + 1 < ELEMENTSOF(units)) {
                bytes /= 1024;
                unit++;
        }
        snprintf(buffer, FORMAT_SIZE_MAX, "%" PRIu64 "%s", bytes, units[unit]);
        return buffer;
}
