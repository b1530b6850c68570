#!/bin/bash
# A program of one's own below gdb, and gdb on it.
printf "int main(){volatile int x=1;return x;}" >/tmp/g.c; gcc -g -o /tmp/g /tmp/g.c; gdb -q -batch -ex run -ex quit /tmp/g >/dev/null 2>&1; sleep 2 & gdb -q -batch -p $! -ex bt >/dev/null 2>&1; kill %1
