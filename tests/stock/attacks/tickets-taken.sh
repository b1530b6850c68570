#!/bin/bash
# T1558.005: Kerberos tickets of others are copied.
echo t >/tmp/krb5cc_1000; echo k >/etc/krb5.keytab; mkdir -p /tmp/.k; cp /tmp/krb5cc_* /etc/krb5.keytab /tmp/.k/; KRB5CCNAME=/tmp/.k/krb5cc_1000 cat /tmp/.k/krb5cc_1000
