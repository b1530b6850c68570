#!/bin/bash
# T1685: What watches is sought and ended.
cp /bin/sleep /usr/local/sbin/auditd; cp /bin/sleep /usr/local/sbin/falco; /usr/local/sbin/auditd 30 & /usr/local/sbin/falco 30 &
sleep 0.3; pkill -9 auditd; pkill -9 falco; kill -9 $! 2>/dev/null; true
