# SPDX-License-Identifier: Apache-2.0
"""In the booted machine: what an administrator does with the packages, in this order."""
import glob
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(sys.argv[3], 'e2e'))

import harness
from harness import expect, expect_equal, expect_in, main, run

UNIT = 'execrayd.service'
POLICY = '/etc/execrayd/policies/made.policy'
CONFIG = '/etc/execrayd/execrayd.yaml'
MADE = '''path "made" {
    description = "A file is made"
    severity    = high
    suppress    = 0s
    openat { flags & O_CREAT, pathname == "/srv/made" }
}

path "carried" {
    description = "Two files"
    severity    = low
    by          = process
    openat { flags & O_CREAT, pathname == "/srv/first" }
    openat { flags & O_CREAT, pathname == "/srv/second" }
}
'''


def text(*command, status=0):
    return run(*command, status=status)[1].decode(errors='replace').strip()


def dpkg(*arguments):
    _status, out, err = run('dpkg', '--force-confdef', '--force-confold', *arguments, status=0, timeout=60,
                            env=dict(os.environ, DEBIAN_FRONTEND='noninteractive', PATH='/usr/sbin:/usr/bin:/sbin:/bin'))
    return (out + err).decode(errors='replace')


def install(*names):
    return dpkg('-i', *['/opt/debs/%s.deb' % name for name in names])


def show(name):
    return text('systemctl', 'show', '-P', name, UNIT)


def log():
    return text('journalctl', '-q', '-o', 'cat', '-u', UNIT)


def until(check, what, seconds=15):
    return harness.until(check, what, seconds, log)


def ask(method):
    return json.loads(text('busctl', '--json=short', 'call', 'org.execray1', '/org/execray1', 'org.execray1.Manager', method))['data'][0]


def policies():
    return {policy[0] for policy in ask('ListPolicies')}


def stories():
    """Policies of those that are open."""
    return {story[0] for story in ask('ListStories')}


def alerts(policy='made'):
    run('journalctl', '--sync')
    return [json.loads(line) for line in text('journalctl', '-q', '-a', '-o', 'json', 'EXECRAY_POLICY=' + policy).splitlines()]


def make():
    before = len(alerts())
    with open('/srv/made', 'w'):
        pass
    os.unlink('/srv/made')
    until(lambda: len(alerts()) > before, 'the alert')


def test_what_is_installed_runs(_):
    if os.path.exists('/usr/sbin/policy-rc.d'):
        os.unlink('/usr/sbin/policy-rc.d')      # of the machine that was booted a second time
    install('execrayd-policies', 'execrayd', 'execrayd-doc')
    expect_equal((show('ActiveState'), show('UnitFileState')), ('active', 'enabled'), 'the service')
    expect(text('getent', 'group', 'execray'), 'no group')
    expect_equal([os.stat(p).st_mode & 0o777 for p in ('/var/lib/execrayd', '/etc/execrayd/policies')], [0o700, 0o755], 'the modes')
    expect('dropped_and_run' in until(policies, 'policies'), 'the stock policies')
    with open(POLICY, 'w') as f:
        f.write(MADE)
    text('systemctl', 'reload', UNIT)
    make()


def test_a_package_of_policies_is_in_force_when_it_is_installed_and_not_when_it_is_removed(_):
    pid = show('MainPID')
    install('examplecorp-policies')
    until(lambda: 'examplecorp_customers_read' in policies(), 'the policy')
    dpkg('-r', 'execrayd-policies')     # the other is a set of policies, too
    until(lambda: policies() == {'examplecorp_customers_read', 'made', 'carried'}, 'the rest')
    install('execrayd-policies')
    until(lambda: 'dropped_and_run' in policies(), 'the stock policies')
    dpkg('-P', 'examplecorp-policies')
    until(lambda: 'examplecorp_customers_read' not in policies(), 'its end')
    expect_equal(show('MainPID'), pid, 'the process')


def test_a_package_with_a_wrong_policy_changes_nothing(_):
    before = policies()
    expect_in('the new policies are not in force', install('broken'), 'what dpkg says')
    expect_equal(policies(), before, 'the policies')
    make()
    dpkg('-P', 'broken-policies')


def test_an_upgrade_keeps_what_the_administrator_changed_and_goes_on(_):
    before = 'alerts:\n    min_severity: low\n'
    with open(CONFIG, 'w') as f:
        f.write(before)
    pid = show('MainPID')
    teller = subprocess.Popen(['sh', '-c', ': > /srv/first; read go; : > /srv/second'], stdin=subprocess.PIPE)
    until(lambda: 'carried' in stories(), 'the first step')
    install('new-execrayd-policies', 'new-execrayd')
    with open(CONFIG) as f:
        expect_equal(f.read(), before, 'the configuration')
    with open(CONFIG + '.dpkg-dist') as f:
        expect_in('Of the newer package', f.read(), 'the new one beside it')
    expect_equal(show('ActiveState'), 'active', 'the service')
    expect(show('MainPID') != pid, 'it is the old process')
    expect_equal(show('NRestarts'), '0', 'restarts')
    until(policies, 'the bus')
    make()
    teller.communicate(b'go\n', timeout=10)
    until(lambda: alerts('carried'), 'the alert of a story that was open')
    told = json.loads(alerts('carried')[0]['EXECRAY_ALERT'])
    expect_equal([step['fields']['pathname'] for step in told['steps']], ['/srv/first', '/srv/second'], 'its steps')


def test_what_is_removed_keeps_its_state_and_what_is_purged_keeps_nothing_of_its_own(_):
    with open('/var/lib/execrayd/left', 'w'):
        pass
    dpkg('-r', 'execrayd')
    expect_equal(text('systemctl', 'is-active', UNIT, status=None), 'inactive', 'the service')
    expect(os.path.exists('/var/lib/execrayd/left') and os.path.exists(CONFIG), 'the state, or the configuration, has gone')
    dpkg('-P', 'execrayd', 'execrayd-policies', 'execrayd-doc')
    left = [p for p in glob.glob('/etc/execrayd/**', recursive=True) if not os.path.isdir(p)]
    expect_equal([p for p in left if p != POLICY], [], 'what is left in /etc/execrayd')
    expect(os.path.exists(POLICY), "the administrator's policy has gone")
    for path in ('/var/lib/execrayd', '/run/execrayd', '/usr/lib/execrayd', '/etc/systemd/system/multi-user.target.wants/' + UNIT):
        expect(not os.path.lexists(path), path + ' is left')
    expect_equal(text('dpkg', '-l', 'execrayd', status=None), '', 'what dpkg knows of it')


if __name__ == '__main__':
    main(globals())
