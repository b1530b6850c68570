#!/bin/bash
# Commits, a search, a hook, a clone, garbage collection.
cd /tmp; git init -q r; cd r; git config user.email a@b; git config user.name a; for i in 1 2 3; do echo $i >f$i; git add .; git commit -qm c$i; done; git log --oneline; git gc -q; git clone -q /tmp/r /tmp/r2; git grep -n 1; printf "#!/bin/sh\nexit 0\n" >.git/hooks/pre-commit; chmod +x .git/hooks/pre-commit; git commit --allow-empty -qm x
