#!/bin/bash
# T1552.001: Passwords are sought in all configurations.
mkdir -p /srv/app/conf; echo 'password=x' >/srv/app/conf/db.ini; timeout 10 grep -rniE 'passw(or)?d\s*=|secret|api_key' /srv /home /etc --include=*.conf --include=*.ini --include=*.env --include=.env 2>/dev/null | head; find / -xdev -maxdepth 4 \( -name '*.kdbx' -o -name 'id_rsa' -o -name '.pgpass' \) 2>/dev/null | head; true
