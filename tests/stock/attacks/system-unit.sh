#!/bin/bash
# T1543.002: A unit for a program in a hidden place is written and enabled.
mkdir -p /var/tmp/.d; cp /bin/sleep /var/tmp/.d/agent
printf '[Service]\nExecStart=/var/tmp/.d/agent 1\n[Install]\nWantedBy=multi-user.target\n' >/etc/systemd/system/systemd-netd.service
mkdir -p /etc/systemd/system/multi-user.target.wants; ln -s /etc/systemd/system/systemd-netd.service /etc/systemd/system/multi-user.target.wants/
/var/tmp/.d/agent 0.2
