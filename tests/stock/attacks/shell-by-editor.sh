#!/bin/bash
# T1059.004: An editor starts a shell.
setpriv --reuid 1001 --regid 1001 --clear-groups vim -Es -c ':!/bin/sh -c "id; uname -a"' -c ':q!' </dev/null
