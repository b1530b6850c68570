/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Exit status - what the programs tell whoever started them. The numbers are a promise: scripts and units rely on them.
 */

enum exit_status {
#define EXIT_STATUS(id, number, doc) EXIT_STATUS_##id = number,
#include "report/exit-status.def"
};

struct strbuf;

/* For what capture_new_bpf() and capture_start() answer. */
enum exit_status exit_status_of_capture(int r);

/* The table as text, one line each, indented: for --help. */
void exit_status_put_table(struct strbuf *b);
