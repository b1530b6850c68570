#!/bin/bash
# Images with file systems, and swap.
dd if=/dev/zero of=/tmp/disk.img bs=1M count=4 2>/dev/null; mkfs.ext4 -q -F /tmp/disk.img; dd if=/dev/zero of=/srv/swapfile bs=1M count=2 2>/dev/null; mkswap /srv/swapfile >/dev/null; dd if=/tmp/disk.img of=/dev/null 2>/dev/null
