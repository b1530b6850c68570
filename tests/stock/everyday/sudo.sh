#!/bin/bash
# The rules of sudo are looked at.
grep -r NOPASSWD /etc/sudoers /etc/sudoers.d; visudo -c; getent group sudo; ls -la /etc/sudoers.d
