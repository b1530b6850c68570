#!/bin/bash
# T1547.013: A session starts a program from a hidden place.
mkdir -p /home/alice/.config/autostart; printf '[Desktop Entry]\nType=Application\nExec=/home/alice/.cache/.upd\n' >/home/alice/.config/autostart/update.desktop
