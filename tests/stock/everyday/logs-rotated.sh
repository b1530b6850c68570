#!/bin/bash
# A log is cut after a copy.
cd /var/log/apache2; cp access.log access.log.1; truncate -s 0 access.log; gzip access.log.1
