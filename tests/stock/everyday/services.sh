#!/bin/bash
# Services are asked for, restarted, stopped and started.
systemctl status ssh 2>/dev/null; systemctl restart cron 2>/dev/null; systemctl stop apache2 2>/dev/null; systemctl start apache2 2>/dev/null; journalctl -n 2 2>/dev/null; systemctl daemon-reload 2>/dev/null; true
