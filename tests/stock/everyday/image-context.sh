#!/bin/bash
# A context is packed and unpacked; a mount comes and goes.
mkdir -p /tmp/ctx; echo x >/tmp/ctx/f; tar cz -C /tmp/ctx . | tar xz -C /srv; cat /proc/self/cgroup >/dev/null; cat /proc/mounts|head -1; mount -t tmpfs none /mnt; umount /mnt
