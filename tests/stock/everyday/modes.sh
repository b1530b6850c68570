#!/bin/bash
# Shared directories and a program of the site.
mkdir -p /srv/share; chmod 1777 /srv/share; chmod 2775 /srv/app; chmod -R g+w /srv/app; umask 002; install -d -m 0755 /opt/acme/bin; printf "#!/bin/sh\necho a\n" >/opt/acme/bin/a; chmod 755 /opt/acme/bin/a; /opt/acme/bin/a; setfacl -m u:alice:r /etc/hosts 2>/dev/null; true
