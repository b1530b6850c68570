#!/bin/bash
# A script and a program in /tmp are run.
cd /tmp; printf "#!/bin/sh\necho t\n" >t.sh; chmod +x t.sh; ./t.sh; python3 -c "print(1)" >o; mktemp -d
