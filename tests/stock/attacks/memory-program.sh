#!/bin/bash
# T1620: A program comes from outside and is run without a file.
perl -e '$n="";$f=syscall(319,$n,0);open(F,">&=",$f);open(B,"<","/bin/sleep");binmode B;print F $_ while <B>;select(F);$|=1;exec {"/proc/$$/fd/$f"} "kworker","0.2"'
