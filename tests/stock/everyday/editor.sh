#!/bin/bash
# Editors save files of the system and of people.
vim -es -u NONE -c "\$put =\"# x\"" -c wq /etc/crontab; vim -es -u NONE -c wq /home/alice/Documents/report1.txt; ed -s /etc/motd <<< "a
hi
.
w" 2>/dev/null; true
