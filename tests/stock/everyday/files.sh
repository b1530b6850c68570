#!/bin/bash
# Many small programs on many files.
find /usr/share/doc -name "*.gz" | head -20 | xargs -n1 zcat 2>/dev/null | wc -l; find /etc -type f -exec grep -l root {} + 2>/dev/null | wc -l; find /tmp -type f -mtime +7 -delete; find /home -name "*.txt" -exec sh -c "wc -c <\$1" _ {} \; | head -2
