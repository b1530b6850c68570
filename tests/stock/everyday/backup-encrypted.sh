#!/bin/bash
# A backup is encrypted by gpg.
export GNUPGHOME=/root/g; mkdir -m700 /root/g; tar cf - /etc 2>/dev/null | gpg --batch --yes --pinentry-mode loopback --passphrase-file /etc/hostname -c -o /var/backups/e.gpg; gpgconf --kill all; rm -rf /root/g
