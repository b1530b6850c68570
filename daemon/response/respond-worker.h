/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Respond worker - the process that runs scripts and does what they ask for. It reads scripts and data when it begins,
 * then takes one alert after the other from its socket (response-message.h) until the other side says no more. Then it
 * ends what it has begun (copies, webhooks), half a minute at most, and itself.
 *
 * It may be killed at any moment: what it had taken is then told without it. */

#include <stddef.h>
#include <stdint.h>

struct config;
struct response_alert;
struct respond_actions;
struct script_answer;
struct script_set;
struct script_value;

/* argv[0] of such a process. */
#define RESPOND_WORKER_NAME "execray-respond"

/* The service that asks, when this process is a service of its own. */
#define RESPOND_CORE_UNIT "execrayd.service"

/* Returns an exit status. It listens to whoever started it, and to RESPOND_CORE_UNIT. */
int respond_worker_run(int fd);

/* Ask all that are to be asked about an alert, enrichers first: those of the configuration, then those that the policy
 * names. For the tool as well. */
void respond_to_alert(const struct script_set *set, const struct config *config, const struct response_alert *alert,
                      const struct script_value *value, struct respond_actions *actions,
                      struct script_answer *answer);
