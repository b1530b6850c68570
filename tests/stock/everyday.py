#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Does everyday work raise alerts? Plays everyday/*.sh before a real daemon with the stock policies.

    everyday.py EXECRAYD [--policies PLACE] [--floor SEVERITY] [NAME...]

Each script runs as root in a world of its own: overlays over the directories that it changes, two users with home directories, no network
but `lo`. What it raises is told by severity; at `medium` (--floor) and above it fails. A script that ends with 77 lacks a program.
Meanwhile the rest of the host is a workload, too: what it raised is printed, and judged by whoever reads it."""
import argparse
import glob
import os
import subprocess
import sys
import tempfile
import time

import watch

HERE = os.path.dirname(os.path.abspath(__file__))
WORLD = '''
mount -t tmpfs -o mode=755 world /mnt || exit 98
for d in etc var usr/local; do
    n=$(echo $d | tr / _)
    mkdir /mnt/$n.up /mnt/$n.work
    mount -t overlay -o lowerdir=/$d,upperdir=/mnt/$n.up,workdir=/mnt/$n.work overlay /$d || exit 98
done
script=$(cat "$1")
for d in home root srv opt; do mount -t tmpfs -o mode=755 tmpfs /$d || exit 98; done
mount -t tmpfs -o mode=1777 tmpfs /tmp
mount -t tmpfs -o mode=755 tmpfs /mnt
ip link set lo up 2>/dev/null
for u in alice bob; do
    mkdir -p /home/$u/Documents /home/$u/.ssh
    for i in 1 2 3 4 5 6 7 8 9 10; do echo text >/home/$u/Documents/report$i.txt; done
done
mkdir -p /srv/app /var/www/html /var/log/apache2 /var/backups /root/.ssh
for f in /srv/app/.env /var/www/html/page.html /var/log/apache2/access.log /var/log/syslog /var/log/auth.log; do echo ok >$f; done
cd /
exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 bash -c "$script"
'''


def play(script):
    begin = time.time()
    process = subprocess.Popen(['unshare', '-m', '-n', '--propagation', 'private', '--', 'bash', '-c', WORLD, 'world', script],
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        status = process.wait(60)
    except subprocess.TimeoutExpired:
        process.kill()
        status = 98
    return os.path.basename(script)[:-3], process.pid, begin, time.time() + 1, status


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument('execrayd')
    arguments.add_argument('--policies', default=watch.POLICIES)
    arguments.add_argument('--floor', choices=watch.SEVERITIES, default='medium')
    arguments.add_argument('only', nargs='*')
    args = arguments.parse_intermixed_args()
    if os.geteuid() != 0:
        print('needs root')
        sys.exit(77)
    floor = watch.SEVERITIES.index(args.floor)
    with tempfile.TemporaryDirectory(prefix='execray-everyday-') as place:
        with watch.Daemon(args.execrayd, args.policies, place) as daemon:
            played = [play(s) for s in sorted(glob.glob(os.path.join(HERE, 'everyday', '*.sh')))
                      if not args.only or os.path.basename(s)[:-3] in args.only]
            alerts = daemon.alerts_at_the_end()
    failed, mine = 0, []
    for name, pid, begin, end, status in played:
        raised = [a for a in alerts if pid in watch.pids(a) and begin <= a['time'] <= end]
        mine += raised
        told = sorted({(-watch.SEVERITIES.index(a['severity']), a['policy']) for a in raised})
        loud = [a for a in raised if watch.SEVERITIES.index(a['severity']) >= floor]
        verdict = 'skipped' if status == 77 else 'BROKEN' if status == 98 else 'NOISY' if loud else 'quiet'
        failed += verdict in ('BROKEN', 'NOISY')
        print('%-8s %-18s %s' % (verdict, name, ', '.join('%s (%s)' % (p, watch.SEVERITIES[-s]) for s, p in told) or '-'))
        for a in loud:
            print('         %s: %s' % (a['policy'], (a['process']['args'] or '')[:120]))
    watch.print_others(alerts, mine)
    print('%d of %d failed' % (failed, len(played)))
    sys.exit(1 if failed else 0)


main()
