#!/bin/bash
# A loop waits for a service, and restarts what does not answer.
python3 -m http.server 8099 --bind 127.0.0.1 -d /srv >/dev/null 2>&1 & p=$!
for i in 1 2 3 4 5; do s=$(curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:8099/); sh -c "test '$s' = 200 && exit 0"; sleep 0.2; done
curl -s http://127.0.0.1:8099/ | grep -c href; kill $p
