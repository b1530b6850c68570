#!/bin/bash
# Snapshots by rsync with links to the day before, a mirror that deletes, and a copy over ssh.
command -v rsync >/dev/null && command -v sshd >/dev/null || exit 77
mkdir -p /srv/snapshots/etc /run/sshd /srv/ssh
rsync -a /home/ /srv/snapshots/1/; echo more >>/home/alice/Documents/report2.txt; rsync -a --link-dest=../1 /home/ /srv/snapshots/2/
rsync -aAX --numeric-ids /etc/ssh /etc/cron.d /etc/shadow /etc/passwd /srv/snapshots/etc/
rm /home/bob/Documents/report3.txt; rsync -a --delete /home/bob/ /srv/snapshots/bob/; rsync -avn --delete /home/bob/ /srv/snapshots/bob/
ssh-keygen -q -t ed25519 -N '' -f /srv/ssh/host; ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id
install -m 600 /root/.ssh/id.pub /root/.ssh/authorized_keys; chmod 700 /root/.ssh
printf '%s\n' 'Port 2223' 'ListenAddress 127.0.0.1' 'HostKey /srv/ssh/host' 'UsePAM no' 'PidFile /run/sshd-site.pid' >/srv/ssh/config
/usr/sbin/sshd -f /srv/ssh/config
sleep 0.5
printf '[127.0.0.1]:2223 %s\n' "$(cat /srv/ssh/host.pub)" >/root/.ssh/known_hosts
rsync -az -e 'ssh -q -i /root/.ssh/id -p 2223' /srv/snapshots/1/ root@127.0.0.1:/srv/far/
rsync -az -e 'ssh -q -i /root/.ssh/id -p 2223' root@127.0.0.1:/srv/far/alice/ /srv/back/
kill "$(cat /run/sshd-site.pid)"
