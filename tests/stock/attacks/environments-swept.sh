#!/bin/bash
# T1057: The environments of all processes are read for secrets.
for i in 1 2 3 4 5 6 7 8; do TOKEN=x sleep 3 & done; for p in /proc/[0-9]*; do cat $p/environ 2>/dev/null | tr '\0' '\n' | grep -iE 'token|secret|password'; done; kill $(jobs -p); true
