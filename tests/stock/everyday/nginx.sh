#!/bin/bash
# A web server is checked, started, asked, told to read its configuration again, and stopped.
command -v nginx >/dev/null || exit 77
mkdir -p /var/log/nginx /var/lib/nginx /srv/www; echo hello >/srv/www/index.html
printf 'server { listen 127.0.0.1:8125; root /srv/www; location /api { return 200 ok; } }\n' >/etc/nginx/conf.d/site.conf
rm -f /etc/nginx/sites-enabled/*
nginx -t && nginx
sleep 0.3
curl -s http://127.0.0.1:8125/; curl -s http://127.0.0.1:8125/api; curl -s http://127.0.0.1:8125/none
printf 'gzip_vary on;\n' >/etc/nginx/conf.d/vary.conf; nginx -t && nginx -s reload
sleep 0.3
curl -s http://127.0.0.1:8125/; tail -n 3 /var/log/nginx/access.log; nginx -s reopen; nginx -s quit
sleep 0.3
