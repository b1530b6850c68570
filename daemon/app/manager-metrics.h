/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Manager metrics - the register of metrics.def, filled with what the rooms count, and where it can be read
 * (control/http.h), if that is configured. */

struct manager;
struct manager_metrics;
struct metrics;

/* -ENOMEM. */
int manager_metrics_new(struct manager *manager, struct manager_metrics **ret);
struct manager_metrics *manager_metrics_free(struct manager_metrics *metrics);

/* Open the door, as configured. What cannot be had is said, and done without. */
void manager_metrics_listen(struct manager *manager);

/* For metrics_do_refresh() and what prints. Made anew when there are other policies; borrowed until the next call. */
const struct metrics *manager_metrics_get(struct manager *manager);
