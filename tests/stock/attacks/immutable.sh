#!/bin/bash
# T1222.002: What was left can not be deleted.
cp /bin/sleep /usr/bin/.sysd; chattr +i /usr/bin/.sysd; chattr -i /usr/bin/.sysd; true
