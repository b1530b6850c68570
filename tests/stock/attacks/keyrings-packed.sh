#!/bin/bash
# T1555: Keyrings of a user are packed and encoded.
mkdir -p /home/alice/.gnupg/private-keys-v1.d /home/alice/.local/share/keyrings; echo k >/home/alice/.gnupg/private-keys-v1.d/A.key; echo k >/home/alice/.local/share/keyrings/login.keyring
sleep 0.3; tar cf - -C /home/alice .gnupg .local/share/keyrings | base64 >/dev/shm/.k
