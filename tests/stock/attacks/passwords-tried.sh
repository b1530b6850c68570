#!/bin/bash
# T1110.001: A user tries passwords of another one.
setpriv --reuid 1002 --regid 1002 --clear-groups bash -c 'for p in alice alice1 123456 password qwerty letmein Summer24 Winter24 admin root toor changeme; do (echo $p | timeout 1 su alice -c id) & done; wait'
