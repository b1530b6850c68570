#!/bin/bash
# Files are compared and copied with their times.
touch -d "1 hour ago" /tmp/ref; find /etc -newer /tmp/ref | head -1; cp -p /etc/hosts /tmp/; tar cf - -C /etc hosts | tar xpf - -C /tmp; touch -r /etc/hosts /tmp/hosts2
