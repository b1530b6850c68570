#!/bin/bash
# T1543: A service of the bus starts a hidden program.
mkdir -p /usr/lib/.cache; cp /bin/sleep /usr/lib/.cache/agent; printf '[D-BUS Service]\nName=org.freedesktop.Update9\nExec=/usr/lib/.cache/agent 9\nUser=root\n' >/usr/share/dbus-1/system-services/org.freedesktop.Update9.service
/usr/lib/.cache/agent 0.2
