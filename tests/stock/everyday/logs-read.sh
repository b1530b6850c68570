#!/bin/bash
# Logs are read and searched.
grep -c Accepted /var/log/auth.log; awk "/sshd/" /var/log/syslog|wc -l; tail -5 /var/log/auth.log; zgrep -h x /var/log/*.gz 2>/dev/null|wc -l; last -f /var/log/wtmp 2>/dev/null | head -1; less /var/log/syslog | head -1; cp /var/log/syslog /root/
