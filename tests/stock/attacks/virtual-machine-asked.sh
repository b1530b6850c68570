#!/bin/bash
# T1497.001: Is this a machine for looking at us?
cat /sys/class/dmi/id/product_name /sys/class/dmi/id/sys_vendor; systemd-detect-virt; grep -c hypervisor /proc/cpuinfo; dmesg | grep -i virtual; cat /proc/scsi/scsi; ls /.dockerenv; cat /proc/1/cgroup; lscpu | grep -i hyper; true
