#!/bin/bash
# Logs are rotated by logrotate: compressed, made anew, old ones removed, the writer told.
command -v logrotate >/dev/null || exit 77
mkdir -p /srv/logs
for n in 1 2 3; do seq 200 >>/srv/logs/app.log; seq 200 >>/srv/logs/copy.log
printf '/srv/logs/app.log {\n rotate 2\n compress\n missingok\n create 640 root adm\n postrotate\n  /bin/true\n endscript\n}\n/srv/logs/copy.log {\n rotate 1\n copytruncate\n}\n' >/srv/site.conf
chmod 644 /srv/site.conf; logrotate -f -s /srv/state /srv/site.conf; done
printf '/var/log/apache2/*.log /var/log/syslog {\n rotate 4\n compress\n delaycompress\n sharedscripts\n su root root\n}\n' >/etc/logrotate.d/site
logrotate -f -s /srv/state /etc/logrotate.d/site; logrotate -d /etc/logrotate.d/site
ls -l /srv/logs
