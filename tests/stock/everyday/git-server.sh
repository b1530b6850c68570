#!/bin/bash
# A server's repository with a hook that publishes; two people push and pull, one over git's own protocol.
mkdir -p /srv/git; cd /srv/git; git init -q --bare site.git; git -C site.git config receive.denyCurrentBranch ignore
printf '#!/bin/sh\nGIT_WORK_TREE=/var/www/html git checkout -q -f main\n' >site.git/hooks/post-receive; chmod 755 site.git/hooks/post-receive
git daemon --base-path=/srv/git --export-all --enable=receive-pack --listen=127.0.0.1 --reuseaddr --pid-file=/run/git-daemon.pid --detach
sleep 0.3
git config --global user.email a@b; git config --global user.name a; git config --global init.defaultBranch main
git clone -q /srv/git/site.git /srv/w1; cd /srv/w1; git checkout -q -b main; echo hello >page.html; git add .; git commit -qm first; git push -q origin main
git clone -q git://127.0.0.1/site.git /srv/w2; cd /srv/w2; echo more >>page.html; git commit -qam second; git push -q origin main
cd /srv/w1; git pull -q origin main; git log --stat; git tag v1; git push -q --tags; git archive --format=tar.gz -o /srv/v1.tar.gz v1; git -C /srv/git/site.git gc -q; git bundle create -q /srv/all.bundle --all
kill "$(cat /run/git-daemon.pid)"
