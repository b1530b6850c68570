#!/bin/bash
# T1563.001: Somebody's key agent is used.
eval $(setpriv --reuid 65534 --clear-groups ssh-agent) >/dev/null; SSH_AUTH_SOCK=$SSH_AUTH_SOCK ssh-add -l; timeout 2 ssh -o BatchMode=yes -o StrictHostKeyChecking=no root@44.128.66.66; kill $SSH_AGENT_PID; true
