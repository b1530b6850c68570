#!/bin/bash
# Keys of one's own, and an agent.
mkdir -p -m 700 /root/.ssh
ssh-keygen -q -t ed25519 -N "" -f /root/.ssh/id_site
cat /root/.ssh/id_site.pub >>/root/.ssh/authorized_keys
chmod 600 /root/.ssh/authorized_keys
eval "$(ssh-agent -s)" >/dev/null
ssh-add -q /root/.ssh/id_site
ssh-add -l
ssh-agent -k >/dev/null
