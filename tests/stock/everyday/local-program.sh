#!/bin/bash
# A program is put into /usr/local and /opt.
printf "#!/bin/sh\necho v1\n" >/usr/local/bin/acme; chmod 755 /usr/local/bin/acme; acme; ln -sf /usr/local/bin/acme /usr/bin/acme; mkdir -p /opt/x; cp /bin/ls /opt/x/; /opt/x/ls / >/dev/null
