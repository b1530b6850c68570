/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Message ids - what kind of journal entry it is, for ever: `journalctl MESSAGE_ID=...`. Drawn at random once, never
 * reused. */

#define MESSAGE_ID_ALERT        "ab0dcd2ab4bd459fae22d09a59805776"      /* a story is complete */
#define MESSAGE_ID_SUMMARY      "6735c0af96794e74ab416a7b2efdb887"      /* repeats of an alert, counted */
#define MESSAGE_ID_OBSCURED     "0879391c882a4948b3625dccbb187c14"      /* something could hide from us */
#define MESSAGE_ID_RECORDED     "05a8b11289b84ad9a16cf19b7f30e5ec"      /* what led to an alert is in a file */
#define MESSAGE_ID_RESPONSE     "03e93722f390479eb68cea0e4eb5c1bb"      /* what scripts said of an alert, after it */
#define MESSAGE_ID_ACTION       "e0697597d5b540eb8310de9dc2f7a885"      /* something was done to the host, or not */
#define MESSAGE_ID_DEGRADED     "b7d617d12b11481ea14d42c7f1007346"      /* watching costs more than it did */
#define MESSAGE_ID_RECOVERED    "7f66788d395f4296a790e34de2d8db48"      /* and as before again */
#define MESSAGE_ID_SWITCHED_OFF "a8b3b7ee028f473ea25badb13f5f5ae7"      /* an optimisation made things worse */
#define MESSAGE_ID_RELOADED "637b245fb0da4c5981c2242a64d491f5" /* new configuration and policies are in force */
#define MESSAGE_ID_NOT_RELOADED "cfcb856d82794e3784b7b1f288a53674"      /* they are wrong: the old ones stay */
