#!/bin/bash
# T1036.004: A program calls itself as the kernel's threads are called.
cp /bin/sleep /tmp/w; (exec -a '[kworker/u8:2-events]' /tmp/w 1)
