#!/bin/bash
# T1574.006: A library is built and forced on a program.
printf '#include <stdlib.h>\n__attribute__((constructor)) void f(void){unsetenv("LD_PRELOAD");}' >/tmp/l.c; gcc -shared -fPIC -o /tmp/l.so /tmp/l.c; LD_PRELOAD=/tmp/l.so /bin/ls / >/dev/null
