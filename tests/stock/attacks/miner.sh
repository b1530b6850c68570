#!/bin/bash
# T1496: Something reckons for a pool.
cp /bin/sleep /tmp/xmrig; /tmp/xmrig -o stratum+tcp://pool.example:3333 -u 4A --donate-level 1 & sleep 0.3; pkill xmrig
cp /bin/sleep /var/tmp/kswapd0; (cd /var/tmp; nice -n 19 ./kswapd0 0.3); python3 -c 'import socket;s=socket.create_connection(("44.128.66.66",3333));s.sendall(b"{\"id\":1,\"method\":\"login\",\"params\":{\"login\":\"4A\"}}\n")'
