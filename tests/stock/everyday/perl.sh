#!/bin/bash
# One-line programs.
perl -ne "print if /root/" /etc/passwd; perl -pi -e "s/a/b/" /tmp/none 2>/dev/null; perl -MPOSIX -e "print strftime(q(%Y),localtime)"; cat /etc/passwd|cut -d: -f1|sort|head -2
