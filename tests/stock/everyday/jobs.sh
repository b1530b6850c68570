#!/bin/bash
# Jobs are started and stopped.
sleep 9 & kill $!; sleep 9 & pkill -f "sleep 9"; sleep 9 & kill -HUP $!; timeout 0.2 sleep 9; true
