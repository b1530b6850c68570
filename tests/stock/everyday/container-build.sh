#!/bin/bash
# A root directory is put together, entered, changed and packed, as builders of images do.
r=/srv/image; mkdir -p $r/bin $r/etc $r/app $r/proc; cp "$(command -v busybox)" $r/bin/ || exit 77; for a in sh ls id cat; do ln -s busybox $r/bin/$a; done
echo 'app:x:1000:1000::/app:/bin/sh' >$r/etc/passwd; echo 'echo hello' >$r/app/run.sh; chmod +x $r/app/run.sh
unshare -m -p -f chroot $r /bin/sh -c 'id; ls /; /app/run.sh'; mkdir -p $r/etc/systemd/system/multi-user.target.wants; ln -s ../app.service $r/etc/systemd/system/multi-user.target.wants/
tar -C $r -czf /srv/image.tar.gz . && sha256sum /srv/image.tar.gz >/srv/image.sum
