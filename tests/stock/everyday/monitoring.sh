#!/bin/bash
# What an agent in shell asks every minute.
for p in /proc/[0-9]*; do cat $p/stat >/dev/null 2>&1; done; cat /proc/loadavg /proc/meminfo /proc/net/dev >/dev/null; df -h >/dev/null; ss -s >/dev/null; ps -eo pid,comm >/dev/null; awk "{print}" /proc/net/tcp >/dev/null
