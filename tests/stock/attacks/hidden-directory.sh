#!/bin/bash
# T1564.001: A program lives in a directory whose name is three dots.
mkdir -p '/dev/shm/...' ; cp /bin/sleep '/dev/shm/.../x'; '/dev/shm/.../x' 0.2; mkdir -p '/var/tmp/.. '; cp /bin/id '/var/tmp/.. /id'; '/var/tmp/.. /id'
