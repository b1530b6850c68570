/* SPDX-License-Identifier: Apache-2.0 */
#include "event/prefilter.h"

#include <stdlib.h>

struct prefilter *prefilter_free(struct prefilter *prefilter) {
        if (!prefilter)
                return NULL;
        for (unsigned kind = 0; kind < _WIRE_KIND_MAX; kind++)
                free(prefilter->kinds[kind].arms);
        array_done(&prefilter->texts);
        array_done(&prefilter->networks);
        array_done(&prefilter->numbers);
        array_done(&prefilter->bytes);
        free(prefilter);
        return NULL;
}
