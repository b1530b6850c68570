#!/bin/bash
# A server of ssh with a configuration of its own; a user comes with a key, runs commands, copies files in both ways and works on a terminal.
command -v sshd >/dev/null || exit 77
mkdir -p /run/sshd /srv/ssh
ssh-keygen -q -t ed25519 -N '' -f /srv/ssh/host; ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id
install -o alice -g alice -m 600 /root/.ssh/id.pub /home/alice/.ssh/authorized_keys; chmod 700 /home/alice/.ssh
printf '%s\n' 'Port 2222' 'ListenAddress 127.0.0.1' 'HostKey /srv/ssh/host' 'UsePAM no' 'PidFile /run/sshd-site.pid' 'Subsystem sftp /usr/lib/openssh/sftp-server' >/srv/ssh/config
/usr/sbin/sshd -f /srv/ssh/config
sleep 0.5
printf '[127.0.0.1]:2222 %s\n' "$(cat /srv/ssh/host.pub)" >/root/.ssh/known_hosts
s="-q -i /root/.ssh/id -p 2222 alice@127.0.0.1"
ssh $s 'hostname; uptime; df -h /; tail -n 1 .bashrc'
ssh $s 'tar cf - Documents' >/srv/documents.tar
ssh -tt $s <<< $'ls\nexit'
seq 1000 >/srv/report
scp -q -i /root/.ssh/id -P 2222 /srv/report alice@127.0.0.1:
scp -q -i /root/.ssh/id -P 2222 alice@127.0.0.1:Documents/report1.txt /srv/
printf 'ls\nput /srv/report r2\nget r2 /srv/r2\nmkdir d\nrename r2 d/r2\nbye\n' | sftp -q -i /root/.ssh/id -P 2222 alice@127.0.0.1
kill "$(cat /run/sshd-site.pid)"
