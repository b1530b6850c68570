#!/bin/bash
# A timetable and a daily job are written.
printf "0 3 * * * /usr/local/bin/backup\n" | crontab - 2>/dev/null; crontab -l 2>/dev/null; printf "#!/bin/sh\ntrue\n" >/etc/cron.daily/site; chmod 755 /etc/cron.daily/site; true
