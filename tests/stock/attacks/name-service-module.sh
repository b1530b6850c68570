#!/bin/bash
# T1556: Names of accounts come from a library that was built here.
printf 'int _nss_upd_getpwnam_r(void){return 0;}\n' >/tmp/n.c; gcc -shared -fPIC -o /usr/lib/x86_64-linux-gnu/libnss_upd.so.2 /tmp/n.c; rm /tmp/n.c
sed -i 's/^passwd:.*/passwd: files upd/' /etc/nsswitch.conf; getent passwd alice
