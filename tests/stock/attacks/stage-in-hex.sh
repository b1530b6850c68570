#!/bin/bash
# T1140: A script comes out of a row of hexadecimal digits.
echo 69643b20756e616d65202d610a | xxd -r -p | sh; printf 'print(1)' | gzip -c | base64 | base64 -d | gunzip | python3; perl -e 'eval unpack u=>q{/<WES=&5M*")I9"(I.P``}'
