#!/bin/bash
# A database is made, started, asked, dumped and stopped.
b=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -1); if [ -n "$b" ]; then
mkdir -p /srv/pg /run/postgresql; chown postgres /srv/pg /run/postgresql; setpriv --reuid postgres --clear-groups $b/initdb -D /srv/pg/d >/dev/null; setpriv --reuid postgres --clear-groups $b/pg_ctl -D /srv/pg/d -w start >/dev/null
setpriv --reuid postgres --clear-groups psql -c 'create table t(a int); insert into t values (1)'; setpriv --reuid postgres --clear-groups pg_dump postgres | gzip >/var/backups/pg.sql.gz; setpriv --reuid postgres --clear-groups $b/pg_ctl -D /srv/pg/d -m fast stop
fi
sqlite3 /srv/app/app.db 'create table t(a); insert into t values (1)'; sqlite3 /srv/app/app.db .dump | gzip >/var/backups/app.sql.gz; sqlite3 /srv/app/app.db 'pragma integrity_check'
