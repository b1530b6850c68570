#!/bin/bash
# Tests of a script put commands of their own before the system's, and run programs that they have just built.
d=$(mktemp -d); mkdir $d/bin; for m in git curl systemctl; do printf '#!/bin/sh\necho "$0 $*" >>%s/log\n' $d >$d/bin/$m; chmod +x $d/bin/$m; done
PATH=$d/bin:$PATH sh -c 'git pull; curl -s http://x; systemctl restart app'; grep -c . $d/log
printf 'int main(){return 0;}' >$d/t.c; gcc -o $d/t $d/t.c && $d/t; rm -rf $d
