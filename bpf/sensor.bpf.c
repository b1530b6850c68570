// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Sensor - all programs as one object, and so one skeleton: they share their maps.
 *
 * One translation unit, since the linker of libbpf 1.1 cannot join objects that call the same kernel function
 * (core-fixes.bpf.h). */
#include "process.bpf.c"
#include "file.bpf.c"
#include "data.bpf.c"
#include "memory.bpf.c"
#include "descriptors.bpf.c"
#include "names.bpf.c"
#include "attributes.bpf.c"
#include "net.bpf.c"
#include "message.bpf.c"
#include "dns.bpf.c"
#include "security.bpf.c"
#include "credentials.bpf.c"
#include "processes.bpf.c"
#include "namespaces.bpf.c"
#include "modules.bpf.c"
#include "host.bpf.c"
#include "compat.bpf.c"
#include "uring.bpf.c"
#include "snapshot.bpf.c"
#include "skipped.bpf.c"

char LICENSE[] SEC("license") = "Dual BSD/GPL";
