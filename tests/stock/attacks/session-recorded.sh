#!/bin/bash
# T1056.001: What users type is recorded.
for u in alice bob; do echo 'exec script -qf /var/tmp/.tty-$$' >>/home/$u/.bashrc; done
script -qfc 'echo hi' /var/tmp/.tty-1; sleep 3 & strace -f -p $! -e trace=read -o /var/tmp/.st & sleep 0.5; kill %1
