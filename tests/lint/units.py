#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""units.py ROOT: do the two services have what they need, and no more?

The process of the scripts gets the capabilities of daemon/action/capabilities.def, some of them with responses.conf only, and the daemon
none of those. Both are closed in the same way, but for what a unit names with its reason.
"""

import pathlib
import re
import sys

CORE, RESPOND, MORE = 'execrayd.service.in', 'execrayd-respond@.service.in', 'responses.conf'
# What no drop-in may be needed for: without it a process of root is not closed in at all.
CLOSED = {
    'NoNewPrivileges': 'yes', 'ProtectSystem': 'strict', 'PrivateTmp': 'yes', 'PrivateDevices': 'yes', 'ProtectClock': 'yes',
    'ProtectControlGroups': 'yes', 'ProtectHostname': 'yes', 'ProtectKernelLogs': 'yes', 'ProtectKernelModules': 'yes',
    'ProtectKernelTunables': 'yes', 'RestrictNamespaces': 'yes', 'RestrictRealtime': 'yes', 'RestrictSUIDSGID': 'yes',
    'LockPersonality': 'yes', 'MemoryDenyWriteExecute': 'yes', 'ProtectHome': 'read-only', 'PrivateNetwork': 'yes',
    'RestrictAddressFamilies': 'AF_UNIX', 'IPAddressDeny': 'any', 'SystemCallArchitectures': 'native', 'LimitCORE': '0', 'UMask': '0077',
}


def settings(text):
    """Key: its values, in their order."""
    found = {}
    for line in text.splitlines():
        match = re.match(r'([A-Za-z]+)=(.*)', line)
        if match:
            found.setdefault(match.group(1), []).append(match.group(2))
    return found


def capabilities(unit):
    return {word for value in unit.get('CapabilityBoundingSet', []) for word in value.split()}


def faults(root):
    units = {name: settings((root / 'units' / name).read_text(encoding='utf-8')) for name in (CORE, RESPOND, MORE)}
    source = (root / 'daemon/action/capabilities.def').read_text(encoding='utf-8')
    needed = {'CAP_' + name for name in re.findall(r'^CAPABILITY\((\w+),', source, re.MULTILINE)}
    core, respond, more = (capabilities(units[name]) for name in (CORE, RESPOND, MORE))
    if respond | more != needed:
        yield f'{RESPOND} and {MORE} give {sorted(respond | more)}, daemon/action/capabilities.def needs {sorted(needed)}'
    for name in sorted(respond & more):
        yield f'{MORE} gives {name}, which {RESPOND} has'
    for name in sorted(core & more):
        yield f'{CORE} gives the daemon {name}, which scripts alone need'
    for unit in (CORE, RESPOND):
        for key, value in CLOSED.items():
            if units[unit].get(key) != [value]:
                yield f'{unit}: {key} is {units[unit].get(key)}, not {value}'
    socket = settings((root / 'units/execrayd-respond.socket').read_text(encoding='utf-8'))
    if socket.get('SocketMode') != ['0600'] or socket.get('Accept') != ['yes']:
        yield 'execrayd-respond.socket: not root\'s alone, or not a process for each connection'
    path = socket.get('ListenSequentialPacket', [''])[0]
    if 'RESPOND_SOCKET=' + path not in units[CORE].get('Environment', []):
        yield f'{CORE} does not name the socket {path}'
    program = (root / 'daemon/app/manager-scripts.c').read_text(encoding='utf-8')
    if '"' + RESPOND.replace('@.service.in', '@*.service') + '"' not in program:
        yield 'daemon/app/manager-scripts.c looks for the process in another unit'


def main():
    found = list(faults(pathlib.Path(sys.argv[1])))
    for fault in found:
        print(fault)
    return 1 if found else 0


if __name__ == '__main__':
    sys.exit(main())
