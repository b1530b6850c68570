#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What each profile changes, counted: the stock policies with it, played with what is recorded of everyday work and of attacks.

    profiles.py EXECRAYCTL ROOT [--update]

Compares the table in policies/profiles/README.md with what comes of it, or writes it. Also: each list and macro that is there to be overridden
(OVERRIDES) does it from one drop-in, for a story that alerts without."""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

BEGIN, END = '<!-- made by tests/stock/profiles.py -->\n', '<!-- so far -->\n'
PROFILES = ['server', 'desktop', 'container-host', 'ci']
# What a site writes into one file, and who is meant by it.
HEAD = 'policies: [common]\norigin: hand-written\n\ntests:\n'
NOBODY = 4294967295                     # logged in
STORY = '''  - name: "%s"
    events: |
      process mine exe=%s uid=0 loginuid=%s
      0s   mine openat pathname=/etc/shadow flags=O_RDONLY
      0s   mine fork child=sh
      0s   sh execve filename=/usr/bin/dash argv=[sh /opt/site/setup]
      1s   sh openat pathname=/etc/systemd/system/site.service flags=O_WRONLY|O_CREAT created=1
    no_alerts: [%s]

'''
OVERRIDES = [
    ('admin_tools', 'list admin_tools += ["/opt/site/bin/*"]', '/opt/site/bin/setup', NOBODY, 'systemd_unit_written'),
    ('admin_users', 'list admin_users += [1000]', '/usr/bin/bash', '1000', 'systemd_unit_written'),
    ('package_managers', 'list package_managers += ["/opt/pkg/bin/pkg"]', '/opt/pkg/bin/pkg', NOBODY, 'systemd_unit_written'),
    ('monitoring_agents', 'list monitoring_agents += ["/opt/site/monitor"]', '/opt/site/monitor', NOBODY, 'account_hashes_read'),
    ('backup_tools', 'list backup_tools += ["/opt/site/backup"]', '/opt/site/backup', NOBODY, 'account_hashes_read'),
    ('configuration_tools', 'list configuration_tools += ["/opt/site/agent"]', '/opt/site/agent', NOBODY, 'systemd_unit_written'),
    ('site_trusted', 'macro site_trusted += { ancestor.exe == "/opt/site/deploy" }', '/opt/site/deploy', NOBODY, 'systemd_unit_written'),
]


class Stock:
    """The policies as they are shipped, with drop-ins of the shared lists."""

    def __init__(self, tool, root, place, drop_in=None):
        self.tool, self.place = tool, pathlib.Path(place)
        shutil.copytree(root / 'policies', self.place, ignore=lambda _, names: [n for n in names if n.endswith('.yaml')])
        if drop_in:
            folder = self.place / 'common' / 'common.policy.d'
            folder.mkdir()
            (folder / '50-test.conf').write_text(drop_in, encoding='utf-8')

    def lines(self, *files):
        done = subprocess.run([self.tool, 'test', '--quiet', '--policies', str(self.place), *map(str, files)], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=120)
        if 'could not be run' in done.stdout or not done.stdout:
            raise SystemExit(done.stderr + done.stdout)
        return done.stdout.splitlines()


def faults_of(lines):
    """What came otherwise than it was recorded: alerts that did not come, alerts that nobody expected, and tests with any of that."""
    silent = [line.split(' expects ')[1] for line in lines if re.match(r'\s+line \d+ expects ', line)]
    more = [line for line in lines if re.match(r'\s+not expected: ', line)]
    return len(silent), len(more), sum(line.startswith('FAIL') for line in lines)


def table(tool, root, place):
    everyday = sorted((root / 'tests' / 'stock').glob('everyday*.test.yaml'))
    parts = [re.split(r'(?m)^tests:\n', path.read_text(encoding='utf-8'))[1] for path in sorted((root / 'policies').glob('*/*.recorded.test.yaml'))]
    attacks = place / 'attacks.test.yaml'
    attacks.write_text('policies: [common]\norigin: hand-written\n\ntests:\n' + '\n'.join(parts), encoding='utf-8')
    stock = Stock(tool, root, place / 'none')
    base, base_attacks = faults_of(stock.lines(*everyday)), faults_of(stock.lines(attacks))
    rows = ['| profile | policies switched off | alerts less over everyday work | recorded attacks that are not told any more | what it gives up |', '|---|---|---|---|---|']
    for name in PROFILES:
        text = (root / 'policies' / 'profiles' / (name + '.conf')).read_text(encoding='utf-8')
        stock = Stock(tool, root, place / name, text)
        work, told = faults_of(stock.lines(*everyday)), faults_of(stock.lines(attacks))
        lists = ', '.join('`%s`' % n for n in re.findall(r'^(?:list|macro) (\w+)', text, re.M))
        rows.append('| `%s` | 0 | %d | %d | what is done by %d more programs, or places of programs, in %s |' % (
            name, work[0] - base[0] - (work[1] - base[1]), told[2] - base_attacks[2], len(re.findall(r'"/', text)), lists))
        if re.search(r'^path ', text, re.M):
            raise SystemExit('%s changes policies: count them' % name)
    return ''.join(row + '\n' for row in rows)


def overrides(tool, root, place):
    """One file with all lines, and a story for each."""
    page = (root / 'policies' / 'profiles' / 'README.md').read_text(encoding='utf-8')
    test = place / 'overrides.test.yaml'
    test.write_text(HEAD + ''.join(STORY % (name, exe, login, policy) for name, _, exe, login, policy in OVERRIDES), encoding='utf-8')
    lines = ''.join(line + '\n' for _, line, _, _, _ in OVERRIDES)
    failed = [{line.rpartition(': ')[2] for line in Stock(tool, root, place / ('site-%d' % n), text).lines(test) if line.startswith('FAIL')}
              for n, text in enumerate([None, lines])]
    for name, line, _, _, _ in OVERRIDES:
        if name not in failed[0]:
            yield '%s: the story does not alert with the list as it is shipped' % name
        if name in failed[1]:
            yield '%s: the story alerts although the list says that it is fine' % name
        if '    ' + line + '\n' not in page:
            yield 'policies/profiles/README.md does not show: ' + line


def main():
    tool, root = sys.argv[1], pathlib.Path(sys.argv[2])
    path = root / 'policies' / 'profiles' / 'README.md'
    page = path.read_text(encoding='utf-8')
    before, rest = page.split(BEGIN)
    with tempfile.TemporaryDirectory(prefix='execray-profiles-') as place:
        made = table(tool, root, pathlib.Path(place))
        faults = list(overrides(tool, root, pathlib.Path(place)))
    new = before + BEGIN + made + END + rest.split(END)[1]
    if '--update' in sys.argv:
        path.write_text(new, encoding='utf-8')
    elif new != page:
        faults.append('policies/profiles/README.md is not what comes of the policies: profiles.py EXECRAYCTL ROOT --update\n' + made)
    print('\n'.join(faults) or 'as the page says')
    sys.exit(1 if faults else 0)


main()
