#!/bin/bash
# Small things are encoded and decoded.
echo aGVsbG8= | base64 -d >/tmp/c; base64 /etc/hostname; openssl rand -base64 12; openssl x509 -noout -in /etc/ssl/certs/ca-certificates.crt -subject
