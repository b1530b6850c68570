#!/bin/bash
# T1561.001: A disk is filled with zeroes.
mkdir -p /tmp/dev; truncate -s 1M /tmp/disk; mknod /tmp/sdz b 7 99; dd if=/dev/zero of=/tmp/sdz bs=512 count=1; rm /tmp/sdz; dd if=/dev/urandom of=/dev/sda bs=512 count=1 conv=notrunc; true
