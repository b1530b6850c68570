/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Message ids - what kind of journal entry it is, for ever: `journalctl MESSAGE_ID=...`. Drawn at random once, never
 * reused. */

#define MESSAGE_ID_ALERT        "ab0dcd2ab4bd459fae22d09a59805776"      /* a story is complete */
#define MESSAGE_ID_SUMMARY      "6735c0af96794e74ab416a7b2efdb887"      /* repeats of an alert, counted */
#define MESSAGE_ID_OBSCURED     "0879391c882a4948b3625dccbb187c14"      /* something could hide from us */
