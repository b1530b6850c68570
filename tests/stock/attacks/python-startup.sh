#!/bin/bash
# T1546.018: Python starts somebody's code each time.
d=$(python3 -c 'import site;print(site.getusersitepackages())'); mkdir -p $d
echo 'import os;os.system("true")' >$d/zz.pth; echo 'import os' >$d/usercustomize.py; python3 -c pass
