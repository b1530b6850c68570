#!/bin/bash
# T1070.004: A program that runs on has no file any more.
cp /bin/sleep /tmp/agent; /tmp/agent 1 & sleep 0.2; rm -f /tmp/agent; wait
