#!/bin/bash
# Files come back from a backup, with their times.
tar czf /var/backups/home.tgz -C / home; rm -rf /home/alice/Documents; tar xzf /var/backups/home.tgz -C / home/alice; tar tzf /var/backups/home.tgz | wc -l; touch -r /etc/passwd /var/backups/stamp; cp -a /home/alice /srv/alice.copy; diff -r /home/alice /srv/alice.copy
