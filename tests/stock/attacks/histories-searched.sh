#!/bin/bash
# T1552.003: Passwords are sought in what people typed.
for h in /root /home/alice /home/bob; do echo 'mysql -pHunter2' >$h/.bash_history; echo x >$h/.mysql_history; done
grep -hiE 'pass|mysql|ssh|token' /root/.*history /home/*/.*history; cat /home/*/.bash_history | grep -i -- -p
