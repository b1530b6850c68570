#!/bin/bash
# A user looks around in his own shell and makes a key.
su - alice -c "id; ls; cat ~/.profile >/dev/null; crontab -l" 2>/dev/null; su alice -c "git config --global user.name a; ssh-keygen -q -t ed25519 -N '' -f ~/.ssh/k2; cat ~/.ssh/k2.pub; ssh-keygen -y -f ~/.ssh/k2" ; sudo -n true 2>/dev/null; true
