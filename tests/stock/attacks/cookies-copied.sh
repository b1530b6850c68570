#!/bin/bash
# T1539: A browser's cookies are copied and read.
d=/home/alice/.config/google-chrome/Default; mkdir -p $d; for f in Cookies 'Login Data' 'Web Data'; do sqlite3 "$d/$f" 'create table t(a)'; done
cp "$d/Cookies" /tmp/c.db; cp "$d/Login Data" /tmp/l.db; sqlite3 /tmp/c.db 'select * from t'; sqlite3 /tmp/l.db 'select * from t'
