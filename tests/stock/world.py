# SPDX-License-Identifier: Apache-2.0
"""A throw-away world for one case: namespaces of its own, overlays over the directories that it changes, users with home directories, no
network but `lo`, on which addresses that look public are answered by farside.py, and none of the rights that reach beyond."""
import os
import signal
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))
EVERYDAY, ATTACK = 'everyday', 'attacks'
OUTSIDE = '''
ip link set lo up || exit 98
for a in 44.128.66.66 169.254.169.254; do ip addr add $a/32 dev lo || exit 98; done
ip addr add 10.66.0.9/24 dev lo || exit 98
coproc FAR { exec python3 "$2/farside.py"; }
read -r -u ${FAR[0]} ready
unshare -m -p -i -u -C --fork --kill-child --propagation private -- bash -c "$3" world "$1"
exit $?                                 # not exec: the far side ends with this shell
'''
# /proc is that of the host until the case begins: so it is known by the host's number. The world is made by a child: what the case does after it
# is not a repetition by the same process.
INSIDE = '''
read -r pid _ </proc/self/stat
script=$(cat "$1")
(
mount -t tmpfs -o mode=755 world /mnt || exit 98
for d in etc var usr; do
    mkdir /mnt/$d.up /mnt/$d.work
    mount -t overlay -o lowerdir=/$d,upperdir=/mnt/$d.up,workdir=/mnt/$d.work overlay /$d || exit 98
done
for d in home root srv opt run; do mount -t tmpfs -o mode=755 tmpfs /$d || exit 98; done
mkdir -p /run/lock; chmod 1777 /run/lock
mount -t tmpfs -o mode=1777 tmpfs /tmp
mkdir /mnt/dev; mount -t tmpfs -o mode=755,dev tmpfs /mnt/dev; mkdir /mnt/dev/pts /mnt/dev/shm
for n in null:3 zero:5 full:7 random:8 urandom:9; do mknod -m 666 /mnt/dev/${n%:*} c 1 ${n#*:}; done
mknod -m 666 /mnt/dev/tty c 5 0
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts /mnt/dev/pts; ln -s pts/ptmx /mnt/dev/ptmx
for l in fd:/proc/self/fd stdin:fd/0 stdout:fd/1 stderr:fd/2; do ln -s ${l#*:} /mnt/dev/${l%%:*}; done
mount -t tmpfs -o mode=1777 tmpfs /mnt/dev/shm
mount --rbind /mnt/dev /dev || exit 98
mount -t proc proc /proc && mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys || exit 98
for f in kcore sysrq-trigger keys; do [ -e /proc/$f ] && mount --bind /dev/null /proc/$f; done
mount -t sysfs -o ro sysfs /sys
mount -t tmpfs -o mode=755 tmpfs /mnt
hostname web01
for h in transfer.sh file.io discord.com pool.example; do echo 44.128.66.66 $h >>/etc/hosts; done
for u in alice:1001 bob:1002; do
    n=${u%:*}; echo "$n:x:${u#*:}:${u#*:}::/home/$n:/bin/bash" >>/etc/passwd; echo "$n:x:${u#*:}:" >>/etc/group; echo "$n:*:19000::::::" >>/etc/shadow
    mkdir -p /home/$n/Documents /home/$n/.ssh; touch /home/$n/.bashrc
    for i in 1 2 3 4 5 6 7 8 9 10 11 12; do echo "text $i" >/home/$n/Documents/report$i.txt; done
    chown -R ${u#*:} /home/$n
done
mkdir -p /srv/app /var/www/html /var/log/apache2 /var/backups /root/.ssh
[ -e /etc/pam.d/cron ] && sed -i /loginuid/d /etc/pam.d/cron    # the world has no right to set login users
echo 'DB_PASSWORD=made-up' >/srv/app/.env
for i in page index about; do echo ok >/var/www/html/$i.html; done
for f in /var/log/apache2/access.log /var/log/syslog /var/log/auth.log /var/log/wtmp; do echo 'login from 44.128.66.66' >$f; done
) || exit 98
ulimit -c 0
cd /
echo $pid $EPOCHREALTIME >&9
exec 9>&- setsid -w setpriv --bounding-set=-sys_module,-sys_rawio,-sys_boot,-sys_time,-syslog,-audit_control,-audit_read,-mac_admin,-bpf,-perfmon \\
    env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 bash -c "$script"
'''


def play(script, limit=30):
    """The case, to its end. Returns its name, the host's pid of its first process, when it began and ended, and its status: 77 if it
    lacks a program, 98 if there was no world for it."""
    read, write = os.pipe()
    outside = 'exec 9>&%d %d>&-\n' % (write, write) + OUTSIDE
    process = subprocess.Popen(['unshare', '-n', '--', 'bash', '-c', outside, 'outside', script, HERE, INSIDE], stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True, pass_fds=[write])
    os.close(write)
    try:
        status = process.wait(limit)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        status = process.wait() and 124
    with os.fdopen(read) as f:
        said = f.read().split()
    end = time.time()
    if len(said) != 2:
        return os.path.basename(script)[:-3], 0, end, end, 98
    return os.path.basename(script)[:-3], int(said[0]), float(said[1]), end, status
