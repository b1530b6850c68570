#!/bin/bash
# Nano and vim on a terminal: a configuration, a program, a timetable.
command -v nano >/dev/null || exit 77
export TERM=xterm
(sleep 0.5; printf '# note\r'; sleep 0.2; printf '\x0f\r'; sleep 0.2; printf '\x18') | script -qc 'nano /etc/hosts' /dev/null
(sleep 0.5; printf 'Gotext\x1b:wq\n') | script -qc 'vim -u NONE /home/alice/Documents/report2.txt' /dev/null
(sleep 0.5; printf '0 4 * * * /usr/bin/true\r'; sleep 0.2; printf '\x0f\r'; sleep 0.2; printf '\x18') | EDITOR=nano script -qc 'crontab -e' /dev/null
crontab -l
