#!/bin/bash
# A package is built, looked into and unpacked; the installed ones are checked.
command -v dpkg-deb >/dev/null || exit 77
mkdir -p /tmp/p/DEBIAN /tmp/p/opt/acme /tmp/p/etc/cron.d
printf 'Package: acme\nVersion: 1\nArchitecture: all\nMaintainer: a <a@b>\nDescription: x\n' >/tmp/p/DEBIAN/control
printf '#!/bin/sh\necho acme\n' >/tmp/p/opt/acme/acme
chmod 755 /tmp/p/opt/acme/acme
printf '15 3 * * * root /opt/acme/acme\n' >/tmp/p/etc/cron.d/acme
dpkg-deb -b /tmp/p /tmp/acme.deb
dpkg -i /tmp/acme.deb
/opt/acme/acme
dpkg -r acme
dpkg -V coreutils
true
