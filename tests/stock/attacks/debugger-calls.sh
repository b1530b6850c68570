#!/bin/bash
# T1055.008: A debugger makes another program do something.
setpriv --reuid 1001 --regid 1001 --clear-groups sleep 8 & sleep 0.3; p=$(pgrep -n -x sleep); timeout 6 gdb -q -batch -p $p -ex 'call (int)getpid()' -ex 'call (int)system("id")' -ex detach; kill $p
