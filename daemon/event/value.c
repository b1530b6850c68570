/* SPDX-License-Identifier: Apache-2.0 */
#include "event/value.h"

#include <string.h>

bool value_list_at(const struct value *list, size_t i, struct value *ret) {
        const char *at = list->bytes, *end;

        *ret = (struct value){
                .type = VALUE_STRING,
                .state = VALUE_UNKNOWN,
                .user = list->user,
                .stable = list->stable,
        };
        if (list->state == VALUE_UNKNOWN || list->type != VALUE_LIST)
                return false;

        end = list->bytes + list->length;
        for (; at < end; i--) {
                const char *nul = memchr(at, 0, end - at);

                if (i == 0) {
                        ret->bytes = at;
                        ret->length = nul - at;
                        /* The NUL that ends a cut list was put there; whether the string ended is not known. */
                        ret->state = nul + 1 == end ? list->state : VALUE_KNOWN;
                        return true;
                }
                at = nul + 1;
        }
        return false;
}
