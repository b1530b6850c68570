#!/bin/bash
# A server for developers is started, asked and stopped.
cd /tmp
nohup setsid python3 -m http.server --bind 127.0.0.1 8123 >/tmp/s.log 2>&1 &
sleep 0.5
curl -s http://127.0.0.1:8123/ >/dev/null
pkill -f "http.server --bind 127.0.0.1 8123"
