#!/bin/bash
# T1110.002: Password hashes are copied and tried.
cp /bin/true /usr/local/bin/john; cp /etc/shadow /tmp/s; cp /etc/passwd /tmp/p; awk -F: '{print $1":"$2}' /tmp/s >/tmp/h; john --wordlist=/tmp/p /tmp/h
