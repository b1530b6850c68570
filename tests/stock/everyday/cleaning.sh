#!/bin/bash
# Temporary files and a few others are removed.
rm -rf /home/bob/.cache /home/bob/Documents/report9.txt; find /home/bob -name "*.tmp" -delete; truncate -s 0 /tmp/x.log; : >/tmp/y.log
