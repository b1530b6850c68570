/* SPDX-License-Identifier: Apache-2.0 */
#include "app/manager.h"
#include "app/params.h"
#include "base/log.h"

int main(int argc, char *argv[]) {
        struct params params;
        int r;

        log_open("execrayd");

        r = params_parse(argc, argv, &params);
        if (r > 0)
                return r - 1;

        log_set_max_level(params.log_level);
        return manager_run(&params);
}
