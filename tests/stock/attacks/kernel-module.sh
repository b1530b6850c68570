#!/bin/bash
# T1547.006: A module is built, loaded, and made to load again.
head -c 4096 /dev/zero >/tmp/rk.ko; python3 -c 'import ctypes,os;ctypes.CDLL(None).syscall(313,os.open("/tmp/rk.ko",0),b"",0)'
mkdir -p /etc/modules-load.d /lib/modules/x; cp /tmp/rk.ko /lib/modules/x/; echo rk >/etc/modules-load.d/rk.conf
