#!/bin/bash
# Pages are made from templates and put in their place, one after the other.
mkdir -p /srv/build; for p in index about page; do sed "s/@/$p/" >/srv/build/$p.html <<<"<h1>@</h1>"; done
cp /srv/build/*.html /var/www/html/; sed -i 's/h1/h2/' /var/www/html/page.html; tar czf /var/backups/site.tgz -C /var/www html; chmod 644 /var/www/html/*.html
