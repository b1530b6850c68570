#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The alerts that the transcript is about: a nightly build, a backup, and an attack among them.

usage: make.py [journal|hostile]
    journal     as entries of the journal, with one that root did not write and some without EXECRAY_ALERT
    hostile     of somebody who names his files so that the exceptions for them would say more
"""
import json
import sys


def process(exe, unit, uid, **more):
    return {'pid': 4000, 'start': 1795371296.0, 'name': exe.rsplit('/', 1)[1], 'exe': exe, 'args': exe, 'uid': uid, 'euid': uid,
            'loginuid': None, 'unit': unit, 'container': '', **more}


def alert(number, policy, severity, actor, parent, step, **more):
    return {'version': 1, 'type': 'alert', 'number': number, 'generation': 1, 'time': 1795371296.0, 'first': 1795371296.0,
            'policy': policy, 'severity': severity, 'process': actor, 'ancestors': [parent], 'ancestors_complete': True,
            'steps': [{'step': 1, 'time': 1795371296.0, 'process': actor, 'result': 0, **step}], 'captures': {}, 'starts': 1,
            'suppressed': 0, 'uncertain': False, 'gap': None, **more}


def execve(file):
    return {'kind': 'execve', 'fields': {'filename': file}}


def openat(file):
    return {'kind': 'openat', 'fields': {'pathname': file, 'flags': 'O_RDONLY'}}


make = process('/usr/bin/make', 'build.service', 990)
dash = '/usr/bin/dash'
alerts = [alert(n, 'run_from_tmp', 'medium', process(dash, 'build.service', 990), make, execve(f'/tmp/build/conf{n}/test'))
          for n in range(1, 7)]
alerts.append(alert(6, 'run_from_tmp', 'medium', process(dash, 'build.service', 990), make, execve('/tmp/build/conf6/test'),
                    type='summary', suppressed=40))
alerts.append(alert(7, 'run_from_tmp', 'medium', process(dash, 'nginx.service', 33), process('/usr/sbin/nginx', 'nginx.service', 33),
                    execve('/tmp/build/x')))
alerts.append(alert(8, 'run_from_tmp', 'medium', process('/tmp/.x', 'nginx.service', 33, exe_deleted=True),
                    process(dash, 'nginx.service', 33), execve('/tmp/.x')))
alerts += [alert(n, 'shadow_read', 'high', process('/usr/bin/borg', '', 0), process('/usr/sbin/cron', 'cron.service', 0),
                 openat('/etc/shadow')) for n in range(10, 15)]
alerts += [alert(n, 'odd_port', 'low', process('/usr/bin/ssh', '', n), process('/usr/bin/bash', '', n),
                 {'kind': 'connect', 'fields': {'daddr': '192.0.2.1', 'dport': 4444}}) for n in range(20, 26)]
alerts.append({'version': 1, 'type': 'obscured', 'time': 1795371296.0, 'policy': 'odd_port', 'reason': 'evicted', 'key': 'tree 1', 'count': 1})


NAMES = ['/srv/"\n    }\n    except { proc.uid >= 0 }\n#', '/srv/" or proc.uid == 0 or pathname == "', '/srv/*', '/srv/[a-z]**', '/srv/$file',
         '/srv/# //', '/srv/]', '/srv/a: [b, "c"]\n- d', "/srv/'", '/srv/%s%n', '/srv/../etc/shadow', '/srv/\x1b[2J', '/srv/\u202etxt.exe']


def hostile():
    found = []
    for k, name in enumerate(NAMES):
        actor = process('/usr/bin/cat', 'files.service', 2000 + k, args='cat ' + name)
        parent = process('/usr/bin/find', 'files.service', 2000 + k)
        found += [alert(5 * k + n, 'shadow_read', 'high', actor, parent, openat(name)) for n in range(5)]
    # One that is cut and one that another thread could have exchanged: nothing is left away because of that.
    for mark in 'cut', 'unverified':
        found += [alert(n, 'shadow_read', 'high', process('/usr/bin/cat', 'files.service', 3000), process('/usr/bin/find', 'files.service', 3000),
                        openat('/srv/a') | {mark: ['pathname']}) for n in range(100, 105)]
    return found


def entry(number, a, uid='0'):
    ids = {'alert': 'ab0dcd2ab4bd459fae22d09a59805776', 'summary': '6735c0af96794e74ab416a7b2efdb887',
           'obscured': '0879391c882a4948b3625dccbb187c14'}
    fields = {'MESSAGE_ID': ids[a['type']], 'SYSLOG_IDENTIFIER': 'execrayd', '_UID': uid, 'MESSAGE': 'MEDIUM ...',
              'EXECRAY_POLICY': a['policy'], 'EXECRAY_ALERT': json.dumps(a)}
    if number % 7 == 1 and 'process' in a:
        fields['EXECRAY_ALERT'] = None          # longer than 4096 bytes, without -a
        fields |= {'EXECRAY_SEVERITY': a['severity'], 'EXECRAY_EXE': a['process']['exe'], 'EXECRAY_UID': str(a['process']['uid']),
                   'EXECRAY_UNIT': a['process']['unit'], 'EXECRAY_NUMBER': str(a['number'])}
        if a['suppressed']:
            fields['EXECRAY_SUPPRESSED'] = str(a['suppressed'])
    return fields


if sys.argv[1:] == ['hostile']:
    alerts = hostile()
if sys.argv[1:] == ['journal']:
    forged = [entry(1, alert(99, 'shadow_read', 'high', process('/usr/bin/cat', '', 1000), make, openat('/etc/shadow')), '1000')]
    alerts = [entry(n, a) for n, a in enumerate(alerts)] + forged * 50
for a in alerts:
    print(json.dumps(a, separators=(',', ':')))
