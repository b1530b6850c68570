#!/bin/bash
# T1003.007: The memory of a process that knows passwords is written to a file.
cp /bin/sleep /usr/sbin/sshd; /usr/sbin/sshd 8 & sleep 0.3; gdb -q -batch -p $! -ex 'generate-core-file /tmp/core.x' >/dev/null 2>&1
python3 -c 'import sys,re
p=sys.argv[1]
m=open("/proc/%s/mem"%p,"rb")
for l in open("/proc/%s/maps"%p):
    if "rw" in l:
        a=l.split()[0].split("-")
        m.seek(int(a[0],16));m.read(4096)' $!; kill $!
