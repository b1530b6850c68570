#!/bin/bash
# An administrator's script makes an account, gives it a key and a shell, and locks the one that it replaces.
useradd -m -s /bin/bash carol; mkdir -m 700 -p /home/carol/.ssh; ssh-keygen -q -t ed25519 -N '' -f /home/carol/k; cat /home/carol/k.pub >>/home/carol/.ssh/authorized_keys; chown -R carol /home/carol
passwd -l carol; usermod -aG games carol; chage -l carol; echo 'alias ll="ls -l"' >>/home/carol/.bashrc; userdel -r carol
