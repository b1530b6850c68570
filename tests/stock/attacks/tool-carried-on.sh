#!/bin/bash
# T1570: A tool is carried to the neighbours, and started there.
cp /bin/sleep /tmp/t; for h in 44.128.66.66 10.66.0.10; do timeout 2 scp -o BatchMode=yes -o StrictHostKeyChecking=no /tmp/t root@$h:/tmp/t; timeout 2 ssh -o BatchMode=yes -o StrictHostKeyChecking=no root@$h 'chmod +x /tmp/t; /tmp/t &'; done; true
