#!/bin/bash
# A setting of the kernel is changed and kept.
sysctl -n vm.swappiness; sysctl -w vm.swappiness=10 2>/dev/null; echo "vm.swappiness=10" >/etc/sysctl.d/99-x.conf; cat /proc/meminfo|head -1; true
