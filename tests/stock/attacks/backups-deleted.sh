#!/bin/bash
# T1490: Backups and snapshots are deleted.
mkdir -p /var/backups/db; for i in 1 2 3 4 5 6; do echo x >/var/backups/db/$i.sql.gz; done; rm -rf /var/backups/*; cp /bin/true /usr/sbin/vgremove; cp /bin/true /usr/sbin/btrfs; cp /bin/true /usr/sbin/zfs; vgremove -f vg0; btrfs subvolume delete /.snapshots/1; zfs destroy -r pool@daily; true
