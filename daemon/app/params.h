/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Params - what the command line said: plain data. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PARAMS_MAX_POLICIES 64

struct params {
        const char *config;             /* borrowed from argv; NULL: the usual place, if there is something */
        const char *policies[PARAMS_MAX_POLICIES];      /* borrowed; none: as configured */
        size_t n_policies;
        const char *scripts[PARAMS_MAX_POLICIES];       /* the same */
        size_t n_scripts;
        unsigned outputs;               /* enum report_output */
        bool outputs_given;
        uint64_t max_alerts;            /* end after so many; 0: never */
        uint64_t duration_ns;           /* end after this time; 0: never */
        bool colour_given, colour;
        int log_level;
};

/* Returns 0 to go on, or an exit status (enum exit_status) plus 1: help and version were printed, or what is wrong was
 * said. */
int params_parse(int argc, char *argv[], struct params *ret);
