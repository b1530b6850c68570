#!/bin/bash
# Cron starts and runs what is due: jobs of root and of a user, and the hourly scripts.
command -v cron >/dev/null || exit 77
printf '#!/bin/sh\nfind /var/backups -mtime +7 -name "*.gz" -delete\ndu -s /var/log >/srv/usage\n' >/etc/cron.hourly/site; chmod 755 /etc/cron.hourly/site
printf 'PATH=/usr/bin:/bin\n@reboot root cd / && run-parts --report /etc/cron.hourly >/srv/daily 2>&1\n' >/etc/cron.d/site
printf '@reboot date >$HOME/started\n' | crontab -u alice -
cron -f &
sleep 3
kill $!
ls -l /srv/usage /home/alice/started
