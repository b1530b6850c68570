#!/bin/bash
# Somebody comes and goes.
useradd -m -s /bin/bash carol
echo carol:Welcome-2026 | chpasswd
groupadd -f devs
usermod -aG devs carol
chage -M 90 carol
id carol
userdel -r carol 2>/dev/null
true
