#!/bin/bash
# Names of a site are added, settings of the kernel written, a unit's limits raised.
echo '10.66.0.9 db01' >>/etc/hosts; mkdir -p /etc/sysctl.d /etc/security/limits.d /etc/systemd/system/app.service.d; echo 'fs.file-max=100000' >/etc/sysctl.d/90-site.conf; echo '* soft nofile 4096' >/etc/security/limits.d/site.conf; printf '[Service]\nLimitNOFILE=4096\n' >/etc/systemd/system/app.service.d/limits.conf; getent hosts db01
