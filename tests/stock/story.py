# SPDX-License-Identifier: Apache-2.0
"""Events, as `execrayctl trace --json --all` prints them, in the text form of docs/TESTING-POLICIES.md."""
import decimal
import re

# How much of a case belongs to an alert: its steps; all events of their kinds while it went on; everything until then.
STEPS, KINDS, ALL = WIDTHS = 'steps', 'kinds', 'all'
PLAIN = re.compile(r'[A-Za-z0-9_./:@%+|-]+')
# What no policy asks for, or what the story form makes itself.
LEFT_OUT = re.compile(r'^(ns\.|old\.ns\.|child\.|old\.caps|caps|address$|offset$|run_time$|fd$|newfd$|device$|peer\.pid$|target\.pid$|'
                      r'.*start_time$|pathname\.given$|newpath\.given$|target\.given$|comm$|count$|mtime$|atime$|nl\.|last$|core$|descriptors$|'
                      r'old\.(permitted|effective|inheritable)$|effective$|permitted$|inheritable$)')
OBJECTS = {'stdin', 'stdout', 'stderr', 'file', 'socket', 'source'}
# The values that the form has by itself (daemon/story/story-field.c).
ORDINARY = {
    ('execve', 'cwd'): '/', ('execve', 'file.mode'): '0100755', ('execve', 'file.uid'): 0, ('execve', 'tty'): 'none', ('execve', 'argc'): 1,
    ('execve', 'stdin.type'): 'device', ('execve', 'stdout.type'): 'device', ('execve', 'stderr.type'): 'device',
    ('openat', 'file.mode'): '0100644', ('openat', 'file.uid'): 0, ('openat', 'flags'): 'O_RDONLY', ('openat', 'mode'): '00',
    ('write', 'type'): 'file', ('connect', 'type'): 'SOCK_STREAM', ('connect', 'protocol'): 'IPPROTO_TCP',
}
FALSE_BY_ITSELF = {'created', 'script', 'memfd', 'deleted', 'upper_layer', 'secureexec'}

MIRROR = re.compile(r'(/var/lib/apt/lists/)[\w.-]+?\.[a-z]+_')       # where packages came from is nobody's business


def quoted(text):
    if PLAIN.fullmatch(text):
        return text
    out = ''.join('\\' + c if c in '"\\' else c if 32 <= ord(c) < 127 else {'\n': '\\n', '\t': '\\t', '\r': '\\r'}.get(c)
                  or ''.join('\\x%02x' % b for b in c.encode('utf-8', 'surrogateescape')) for c in text)
    return '"%s"' % out


class Teller:
    """One story: labels of processes, names of objects, and the user that each process is."""

    def __init__(self, root):
        self.labels, self.users, self.objects, self.root = {}, {}, {}, root
        self.taken = set()

    def label(self, pid, name):
        if pid not in self.labels:
            base = re.sub(r'[^A-Za-z0-9_-]', '-', name or 'p').strip('-') or 'p'
            new, n = base, 2
            while new in self.taken:
                new, n = '%s%d' % (base, n), n + 1
            self.taken.add(new)
            self.labels[pid] = new
        return self.labels[pid]

    def value(self, event, name, value):
        kind = event['kind']
        if LEFT_OUT.match(name) or (kind, name) in ORDINARY and ORDINARY[kind, name] == value or value is None:
            return None
        if value == [] or kind == 'execve' and name.startswith('old.') and str(value) == '0':
            return None
        if kind == 'execve' and name == 'exe' and value == event['fields'].get('filename'):
            return None
        if name in FALSE_BY_ITSELF and value is False:
            return None
        if name in OBJECTS:
            fields = event['fields']
            if fields.get(name + '.type', fields.get('type')) == 'device' or name == 'file' and ('pathname' in fields or kind == 'execve'):
                return None
            return self.objects.setdefault(value, 'object%d' % (len(self.objects) + 1))
        cut = '~' if name in event.get('cut', []) else ''
        if isinstance(value, bool):
            return str(int(value))
        if isinstance(value, list):
            return '[%s]%s' % (' '.join(quoted(v) for v in value), cut)
        if name == 'tty' and re.fullmatch(r'\d+:\d+', str(value)):
            major, minor = value.split(':')
            return str(int(major) << 20 | int(minor))        # as the form writes a device
        if name in ('signal', 'tty') and value == 'none':
            return None
        return quoted(MIRROR.sub(r'\1mirror.example.org_', str(value))) + cut

    def line(self, event, zero):
        at = decimal.Decimal(event['time']) - zero
        process = event['process']
        label = self.label(process['pid'], process['name'])
        when = '%ss' % at.normalize().quantize(decimal.Decimal('0.000001')).normalize().to_eng_string() if at else '0s'
        if 'E' in when:
            when = '%fs' % at
        words = [when, label, event['kind']]
        if event['kind'] == 'fork':
            words.append('child=' + self.label(event['fields']['child.pid'], event['child_name']))
            self.users[event['fields']['child.pid']] = self.users.get(process['pid'], (0, 0))
        else:
            for name, value in event.get('fields', {}).items():
                text = self.value(event, name, value)
                if text is not None:
                    words.append('%s=%s' % (name, text))
        result = event.get('result')
        if result is not None and (result < 0 or event['kind'] not in ('openat', 'write', 'fork') and result > 0):
            words.append('result=%d' % result)
        user = process['uid'], process['euid']
        if self.users.get(process['pid'], (0, 0)) != user and None not in user:
            words.append('uid=%d euid=%d' % user)
            self.users[process['pid']] = user
        return ' '.join(words)


def named(events):
    """A child is called after the program that it becomes."""
    names = {}
    for event in events:
        if event['kind'] == 'execve' and event.get('result', 0) >= 0:
            names[event['process']['pid']] = event['process']['name']
    for event in events:
        if event['kind'] == 'fork' and 'child.pid' in event.get('fields', {}):
            event['child_name'] = names.get(event['fields']['child.pid'], event['process']['name'])


def told(chosen, root):
    teller = Teller(root)
    teller.label(root, 'bash')
    zero = decimal.Decimal(chosen[0]['time'])
    return ['process bash exe=/usr/bin/bash argv=[bash run] uid=0'] + [teller.line(e, zero) for e in chosen]


def of_alert(events, root, alert, width):
    """The lines of a story that ends in the alert; None if its steps are not among the events."""
    named(events)
    steps = {(s['time'], s['kind'], s['process']['pid']) for s in alert['steps']}
    kinds = {s['kind'] for s in alert['steps']}
    parent = {e['fields']['child.pid']: e['process']['pid'] for e in events if e['kind'] == 'fork' and 'child.pid' in e['fields']}
    last = max(s['time'] for s in alert['steps'])
    took = {s['process']['pid'] for s in alert['steps']} | {alert['process']['pid']}

    def is_meant(event):
        key = event['time'], event['kind'], event['process']['pid']
        return key in steps or width == KINDS and event['kind'] in kinds or width == ALL and event['kind'] != 'exit'

    meant = [e for e in events if e['time'] <= last and is_meant(e)]
    if not steps <= {(e['time'], e['kind'], e['process']['pid']) for e in meant}:
        return None
    wanted = set(took) | {e['process']['pid'] for e in meant}
    for pid in list(wanted):
        while pid in parent:
            pid = parent[pid]
            wanted.add(pid)
    keep = {id(e) for e in meant}
    chosen = [e for e in events if e['time'] <= last and e['process']['pid'] in wanted and (
        id(e) in keep or e['kind'] == 'fork' and e['fields'].get('child.pid') in wanted or e['kind'] == 'execve' and e.get('result', 0) >= 0)]
    first = next((i for i, e in enumerate(chosen) if e['process']['pid'] != root or e['kind'] != 'execve' or id(e) in keep), 0)
    return told(chosen[first:], root) if chosen[first:] else None


# What every program reads when it starts: of no interest to any policy, and most of what is opened.
START_UP = ('/usr/lib/locale/', '/usr/share/', '/usr/lib/x86_64-linux-gnu/', '/etc/ld.so.cache', '/etc/locale.alias', '/usr/lib/python3',
            '/proc/filesystems', '/etc/nsswitch.conf', '/etc/fonts/', '/usr/local/lib/', '/usr/lib/git-core/', '/usr/lib/gcc/', '/usr/include/')
SIMILAR = 8                             # events that a process repeats in one directory: more are left out


def is_start_up(event):
    flags = event['fields'].get('flags', '')
    return event['kind'] == 'openat' and 'WRONLY' not in flags and 'RDWR' not in flags \
        and event['fields'].get('pathname', event['fields'].get('pathname.given', '')).startswith(START_UP)


def of_case(events, root):
    """The whole case, without what START_UP says, and of events that differ by the name of a file alone SIMILAR."""
    named(events)
    seen, similar, chosen = set(), {}, []
    for event in events:
        fields = {k: v for k, v in event.get('fields', {}).items() if not LEFT_OUT.match(k) and k not in ('file', 'length')}
        if event['kind'] == 'fork' or event['kind'] == 'execve':
            chosen.append(event)
            continue
        if is_start_up(event):
            continue
        key = event['process']['pid'], event['kind'], str(sorted((k, str(v)) for k, v in fields.items()))
        if key in seen:
            continue
        seen.add(key)
        place = key[0], key[1], str(fields.get('flags')), str(fields.get('pathname')).rpartition('/')[0]
        similar[place] = similar.get(place, 0) + 1
        if similar[place] <= SIMILAR:
            chosen.append(event)
    return told(chosen, root)
