#!/bin/bash
# What a check of hardening reads.
awk -F: '($2 == "") { print $1 }' /etc/shadow
awk -F: '$3 == 0 { print $1 }' /etc/passwd
stat -c '%a %n' /etc/shadow /etc/passwd
grep PASS_MAX_DAYS /etc/login.defs
find /usr/bin -perm -4000
sysctl -n kernel.randomize_va_space
pwck -r -q
true
