#!/bin/bash
# T1040: All packets are read.
timeout 2 python3 -c 'import socket;s=socket.socket(17,3,768);s.settimeout(0.5);s.recv(100)' & sleep 0.3; curl -s http://44.128.66.66/; wait; true
