#!/bin/bash
# A full and an incremental archive, sums, a check, a restored file, and old archives removed.
mkdir -p /srv/b; cd /srv/b
tar --listed-incremental=state -czf full.tar.gz /home /etc /var/www; echo new >>/home/alice/Documents/report4.txt
tar --listed-incremental=state -czf inc1.tar.gz /home /etc /var/www
sha256sum *.tar.gz >sums; sha256sum -c sums; tar tzf full.tar.gz | wc -l; tar df full.tar.gz -C / | head -3
mkdir r; tar xzf full.tar.gz -C r home/alice/Documents/report1.txt; cmp r/home/alice/Documents/report1.txt /home/alice/Documents/report1.txt
find /etc -name '*.conf' | cpio -o --quiet 2>/dev/null | xz >conf.cpio.xz; touch -d '30 days ago' inc1.tar.gz; find . -name '*.tar.gz' -mtime +14 -delete
dd if=full.tar.gz of=copy.tar.gz bs=64K status=none; sync copy.tar.gz
