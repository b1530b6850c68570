/* SPDX-License-Identifier: Apache-2.0 */
#include "event/telling.h"

#include "base/macro.h"

static const uint16_t fields[] = {
#define TELLING(kind, field) FIELD_##kind##_##field,
#include "event/telling.def"
};

static const uint16_t kinds[] = {
#define TELLING(kind, field) WIRE_KIND_##kind,
#include "event/telling.def"
};

const uint16_t *telling_fields(enum wire_kind kind, size_t *ret_n) {
        size_t first = 0, n = 0;

        while (first < ELEMENTSOF(kinds) && kinds[first] != kind)
                first++;
        while (first + n < ELEMENTSOF(kinds) && kinds[first + n] == kind)
                n++;
        *ret_n = n;
        return n > 0 ? fields + first : NULL;
}
