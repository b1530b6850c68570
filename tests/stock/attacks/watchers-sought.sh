#!/bin/bash
# T1518.001: Is there anybody who watches?
ps aux | grep -iE 'falcon|auditd|osquery|sysmon|wazuh|clamd|crowdstrike|sentinel|falco' | grep -v grep; ls /opt/CrowdStrike /var/ossec /etc/audit /etc/falco 2>/dev/null; systemctl status auditd falco wazuh-agent; which tcpdump strace gdb clamscan; lsmod | grep falco; true
