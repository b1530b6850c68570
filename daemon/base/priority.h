/* SPDX-License-Identifier: Apache-2.0 */
/* Priority - who is called to read a ring must be there before it is full. The reader needs a few hundredths of a
 * processor; among a hundred processes that all want the processors it got them too late, and lost three events of
 * four (docs/PERFORMANCE.md, "Many processes"). */
#pragma once

#define PRIORITY_MAX 20                 /* steps of nice(1) */

/* Go that many steps before the processes of the usual priority: the calling thread, and what it starts afterwards. 0
 * changes nothing. -EACCES or -EPERM without CAP_SYS_NICE. */
int priority_raise(unsigned steps);

/* As all others; for what the reader starts and does not wait for. Never fails. */
void priority_lower(void);
