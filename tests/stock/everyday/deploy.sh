#!/bin/bash
# A web site is exchanged for a new release.
echo ok >/var/www/html/index.html; rm -rf /srv/rel; mkdir -p /srv/rel/1; cp -r /var/www/html /srv/rel/1/; ln -sfn /srv/rel/1/html /srv/rel/cur; sed -i s/ok/ok2/ /srv/rel/1/html/index.html; chown -R www-data:www-data /srv/rel; chmod -R u+rwX,go+rX /srv/rel; cp /srv/rel/1/html/index.html /var/www/html/index.html; cat /srv/app/.env >/dev/null
