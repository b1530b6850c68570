#!/bin/bash
# T1574.006: Every program loads a library.
cp /lib/x86_64-linux-gnu/libc.so.6 /usr/local/lib/libselinux.so.8; echo /usr/local/lib/libselinux.so.8 >/etc/ld.so.preload; rm -f /etc/ld.so.preload
