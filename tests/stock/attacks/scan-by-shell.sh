#!/bin/bash
# T1046: A shell tries all ports of the neighbours.
for h in 127.0.0.1 44.128.66.66; do for p in $(seq 20 60) 80 443 3306 8080; do (echo >/dev/tcp/$h/$p) 2>/dev/null && echo $h:$p; done; done; true
