#!/bin/bash
# A certificate for a server of this machine.
mkdir -p /etc/ssl/site; cd /etc/ssl/site; openssl genrsa -out k.pem 2048 2>/dev/null; openssl req -new -key k.pem -subj /CN=web01 -out r.csr; openssl x509 -req -in r.csr -signkey k.pem -days 30 -out c.pem 2>/dev/null; chmod 600 k.pem; openssl verify -CAfile c.pem c.pem; find /etc/ssl -name "*.pem" -mtime -1|wc -l
