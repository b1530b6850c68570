#!/bin/bash
# Gcc, make, ar, strip and install, in /tmp.
mkdir /tmp/b; cd /tmp/b; for i in 1 2 3 4 5; do printf "int f%d(void){return %d;}\n" $i $i >f$i.c; done; printf "all: \n\tfor i in 1 2 3 4 5; do gcc -c f\$\$i.c; done; ar rc l.a *.o\n" >Makefile; printf "int main(){return 0;}" >m.c; make -s; gcc -o m m.c l.a; ./m; mkdir -p /tmp/inst; install -m755 m /tmp/inst/; touch -r m.c m; strip m
