/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Report ECS - an alert in the words of the Elastic Common Schema, one JSON object on one line; docs/ALERTS.md has the
 * table. What that schema has no field for is in event.original, which is the alert as report-json.h prints it: nothing
 * is lost, and no index grows a field for each capture. What is not known is left out. Pure. */

#include <stddef.h>
#include <stdint.h>

#include "report/alert.h"

struct strbuf;

#define REPORT_ECS_VERSION "8.11.0"     /* of the schema: the fields are in all later ones of 8, too */

/* `json` is the alert, with or without its newline. With the newline at the end. */
void report_ecs_alert(const struct alert *alert, const char *json, size_t n, struct strbuf *b);

/* Something else that is told: `what` is the type of its JSON, "obscured". */
struct host;
void report_ecs_notice(const char *what, const char *policy, const struct host *host, uint64_t time_ns,
                       const char *json, size_t n, struct strbuf *b);
