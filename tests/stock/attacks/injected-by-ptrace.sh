#!/bin/bash
# T1055.008: A process changes the memory of another one.
cat >/tmp/i.c <<'C'
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <sys/user.h>
int main(int c,char**v){int p=atoi(v[1]);struct user_regs_struct r;ptrace(PTRACE_ATTACH,p,0,0);waitpid(p,0,0);ptrace(PTRACE_GETREGS,p,0,&r);
long w=ptrace(PTRACE_PEEKTEXT,p,r.rip,0);ptrace(PTRACE_POKETEXT,p,r.rip,w);ptrace(PTRACE_DETACH,p,0,0);return 0;}
C
gcc -o /tmp/i /tmp/i.c; sleep 5 & sleep 0.2; /tmp/i $!; kill $!
