#!/bin/bash
# A repository on the disk: a package is made, found, installed with its maintainer's scripts, upgraded and purged by apt.
command -v dpkg-deb >/dev/null || exit 77
mkdir -p /srv/repo; cd /srv/repo
for v in 1 2; do
mkdir -p p$v/DEBIAN p$v/usr/sbin p$v/etc/acme
printf 'Package: acme-site\nVersion: %s\nArchitecture: all\nMaintainer: a <a@b>\nDescription: x\n' $v >p$v/DEBIAN/control
printf '#!/bin/sh\nset -e\nif [ "$1" = configure ]; then getent passwd acme >/dev/null || useradd -r -s /usr/sbin/nologin acme; fi\n' >p$v/DEBIAN/postinst
printf '#!/bin/sh\nset -e\nif [ "$1" = purge ]; then userdel acme || true; fi\n' >p$v/DEBIAN/postrm
printf '/etc/acme/acme.conf\n' >p$v/DEBIAN/conffiles; echo v=$v >p$v/etc/acme/acme.conf; printf '#!/bin/sh\necho %s\n' $v >p$v/usr/sbin/acme
chmod 755 p$v/DEBIAN/post* p$v/usr/sbin/acme; dpkg-deb -b p$v acme-site_$v.deb
done
for v in 1 2; do
{ dpkg-deb -f acme-site_$v.deb; printf 'Filename: ./acme-site_%s.deb\nSize: %s\nSHA256: %s\n\n' $v "$(stat -c %s acme-site_$v.deb)" "$(sha256sum acme-site_$v.deb | cut -d ' ' -f 1)"; } >>Packages
rm -rf /etc/apt/sources.list /etc/apt/sources.list.d/*; echo 'deb [trusted=yes] file:/srv/repo ./' >/etc/apt/sources.list
apt-get -qq update; apt-get -qq install -y acme-site </dev/null; acme
done
apt-cache policy acme-site; dpkg -l acme-site; apt-mark showmanual | wc -l; apt-get -qq purge -y acme-site </dev/null; apt-get -qq clean
