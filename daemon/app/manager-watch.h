/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Manager watch - reloads when files have changed, if that is switched on (service.watch): the configuration and its
 * drop-ins, the places of policies and of scripts, by the settings in force. Who asked is "service.watch". */

struct manager;
struct settings_options;

/* After the start and after each reload: what is to be looked at may be something else. */
void manager_watch_update(struct manager *manager);
void manager_watch_done(struct manager *manager);
