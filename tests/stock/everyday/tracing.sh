#!/bin/bash
# Strace on a program of one's own and on a child that runs, gdb on a core.
command -v strace >/dev/null || exit 77
strace -f -o /srv/trace sh -c 'ls / >/dev/null; cat /etc/hostname'; strace -c -o /srv/counts ls >/dev/null
sleep 3 & timeout 1 strace -p $! -o /srv/trace2; kill %1
printf 'int main(void){int *p=0; return *p;}' >/srv/c.c; gcc -g -o /srv/c /srv/c.c
gdb -q -batch -ex run -ex bt -ex 'generate-core-file /srv/core' /srv/c; gdb -q -batch -ex bt /srv/c /srv/core
grep -c openat /srv/trace
