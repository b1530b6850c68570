#!/bin/bash
# A configuration manager's module: a script goes to a temporary directory, runs once, and is removed.
d=/root/.ansible/tmp/ansible-tmp-1-2; mkdir -p $d; cat >$d/AnsiballZ_lineinfile.py <<'P'
import os
p='/etc/sysctl.d/60-site.conf'; t=p+'.tmp'
open(t,'w').write('vm.swappiness=10\n'); os.chmod(t,0o644); os.rename(t,p)
P
/bin/sh -c "/usr/bin/python3 $d/AnsiballZ_lineinfile.py && sleep 0"; rm -f -r $d
/bin/sh -c 'getent passwd alice; uname -m; cat /etc/os-release; df -P /; ip -4 addr' >/dev/null
