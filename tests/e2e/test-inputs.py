#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Bad input of every sort: a message that says what and what to do, an exit status of its own, and nothing half done."""
import json
import os

from harness import EXECRAYCTL, EXECRAYD, Daemon, expect, expect_equal, expect_in, main, run

GOOD = 'path "p" {\n    description = "x"\n    severity = low\n    openat { pathname == "/nonexistent/p" }\n}\n'
FAILURE, USAGE, PRIVILEGE, KERNEL, ATTACH, POLICIES, CONFIG = 1, 2, 3, 4, 5, 6, 7


def refused(status, *arguments, **options):
    """What the daemon says when it ends at once with this status."""
    _, out, err = run(EXECRAYD, *arguments, status=status, timeout=20, **options)
    expect_equal(out, b'', 'standard output')
    return err.decode(errors='replace')


def test_wrong_options_are_named(place):
    expect_in("'--no-such'", refused(USAGE, '--no-such'), 'the message')
    expect_in('--policies', refused(USAGE, '--policies'), 'the message')
    expect_in('yaml', refused(USAGE, '--output', 'json,yaml'), 'the message')
    expect_in('--duration', refused(USAGE, '--duration', 'soon'), 'the message')
    expect_in('--exit-after-alerts', refused(USAGE, '--exit-after-alerts', '0'), 'the message')
    expect_in('stray', refused(USAGE, 'stray'), 'the message')


def test_help_and_version_need_nothing(place):
    _, out, _ = run(EXECRAYD, '--help', status=0, user='nobody')
    expect_in(b'--policies', out, 'the help')
    for status in ('2', '3', '4', '5', '6', '7'):
        expect_in(b'\n   %s  ' % status.encode(), out, 'the table of exit statuses')
    _, out, _ = run(EXECRAYD, '--version', status=0, user='nobody')
    expect(out.startswith(b'execrayd '), 'the version: %r' % out)


def test_without_privilege_it_says_what_it_needs(place):
    place.policy('p', GOOD)
    text = refused(PRIVILEGE, '--policies', place.policies, user='nobody')
    expect_in('CAP_BPF', text, 'the message')
    expect_in('root', text, 'the message')


def test_without_type_information_it_says_what_the_kernel_lacks(place):
    place.policy('p', GOOD)
    script = 'mount -t tmpfs none /sys/kernel/btf && exec "$@"'
    _, out, err = run('unshare', '--mount', '--propagation', 'private', '/bin/sh', '-c', script, 'sh', EXECRAYD, '--policies', place.policies,
                      status=KERNEL)
    expect_equal(out, b'', 'standard output')
    expect_in(b'CONFIG_DEBUG_INFO_BTF', err, 'the message')


def test_an_attach_that_fails_is_told_and_leaves_nothing_behind(place):
    """Without tracefs, and without the right to mount it, programs load and the system calls cannot be reached."""
    place.policy('p', GOOD)
    script = 'for at in /sys/kernel/tracing /sys/kernel/debug; do while umount -l "$at" 2>/dev/null; do :; done; done\n' \
             'exec setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin "$@"'

    def without(*command):
        _, out, err = run('unshare', '--mount', '--propagation', 'private', '/bin/sh', '-c', script, 'sh', *command, status=ATTACH)
        expect_equal(out, b'', 'standard output')
        expect_in(b'Cannot attach', err, 'the message')
        expect_in(b'/sys/kernel/tracing', err, 'the message')
        return err

    expect(b'watched for' not in without(EXECRAYD, '--policies', place.policies), 'it watched all the same')
    without(EXECRAYCTL, 'record', place.join('recording'))
    expect(not os.path.exists(place.join('recording')), 'a recording was begun all the same')


def test_too_few_descriptors_are_not_blamed_on_the_kernel(place):
    """Whatever fails first for want of them: finding out, loading, attaching, the snapshot."""
    place.policy('p', GOOD)
    stages = set()
    for limit in list(range(10, 50, 10)) + list(range(50, 550, 50)):
        status, _, err = run('prlimit', '--nofile=%d' % limit, EXECRAYD, '--policies', place.policies, '--output', 'none',
                             '--duration', '1ms')
        if status == 0:
            break
        expect_equal(status, FAILURE, 'the exit status with %d descriptors: %r' % (limit, err))
        expect_in(b'open', err, 'the message')
        expect(b'watched for' not in err, 'it watched all the same: %r' % err)
        if b'LimitNOFILE' in err:
            stages.add(err.split(b'(')[0][:30])
    expect(len(stages) >= 2, 'too few ways to fail were seen: %r' % stages)
    expect_equal(status, 0, 'the exit status with all that it asked for')


def test_without_policies_it_does_not_start(place):
    expect_in('no', refused(POLICIES, '--policies', place.policies), 'the message')
    text = refused(POLICIES, '--policies', place.join('typo'))
    expect_in(place.join('typo'), text, 'the message')
    expect_in('--policies', text, 'the message')


def test_a_wrong_policy_is_shown_with_its_place(place):
    place.policy('p', GOOD.replace('openat', 'opnat'))
    text = refused(POLICIES, '--policies', place.policies)
    expect_in('p.policy:4:5', text, 'the message')
    expect_in('openat', text, 'the message')
    expect_in('^', text, 'the message')


def test_all_wrong_files_are_told_in_one_go(place):
    for name in 'abc':
        place.policy(name, GOOD.replace('"p"', '"%s"' % name).replace('pathname', 'pathnaem'))
    text = refused(POLICIES, '--policies', place.policies)
    for name in 'abc':
        expect_in('%s.policy:4:14' % name, text, 'the message')


def test_a_policy_that_others_may_write_is_refused(place):
    path = place.policy('p', GOOD)
    for mode in (0o664, 0o646, 0o666):
        os.chmod(path, mode)
        text = refused(POLICIES, '--policies', place.policies)
        expect_in('p.policy', text, 'the message')
        expect_in('writable', text, 'the message')
    os.chmod(path, 0o644)
    os.chmod(place.policies, 0o777)
    expect_in('writable', refused(POLICIES, '--policies', place.policies), 'the message')


def test_a_policy_of_somebody_else_is_refused(place):
    path = place.policy('p', GOOD)
    os.chown(path, 65534, 65534)
    text = refused(POLICIES, '--policies', place.policies)
    expect_in('p.policy', text, 'the message')
    expect_in('owned', text, 'the message')


def test_odd_files_are_refused_and_do_not_hang(place):
    place.policy('p', GOOD)
    os.symlink('p.policy', place.join('policies', 'link.policy'))
    refused(POLICIES, '--policies', place.policies)
    os.unlink(place.join('policies', 'link.policy'))

    os.mkfifo(place.join('policies', 'fifo.policy'), 0o600)
    refused(POLICIES, '--policies', place.policies)
    os.unlink(place.join('policies', 'fifo.policy'))

    os.mkdir(place.join('policies', 'dir.policy'))
    os.symlink('..', place.join('policies', 'loop'))
    with Daemon(place, '--duration', '1ms') as daemon:
        daemon.stop()


def test_a_huge_or_binary_policy_is_refused(place):
    with open(place.join('policies', 'huge.policy'), 'wb') as f:
        f.truncate(1 << 30)
    expect_in('huge.policy', refused(POLICIES, '--policies', place.policies), 'the message')
    os.unlink(place.join('policies', 'huge.policy'))

    with open(place.join('policies', 'binary.policy'), 'wb') as f:
        f.write(bytes(range(256)) * 100)
    text = refused(POLICIES, '--policies', place.policies)
    expect_in('binary.policy:1:', text, 'the message')
    expect(all(c == '\n' or ord(c) >= 32 for c in text), 'control bytes on the terminal: %r' % text)


def test_policies_that_contain_themselves_are_refused(place):
    place.policy('p', GOOD.replace('pathname ==', 'm, pathname ==') +
                 'macro m { n }\nmacro n { m }\nlist a = [b]\nlist b = ["/x", a]\n')
    text = refused(POLICIES, '--policies', place.policies)
    for name in ("'m'", "'a'"):
        expect_in('%s contains itself' % name, text, 'the message')

    place.policy('p', 'path "p" {\n    description = "x"\n    severity = low\n    openat { %s pathname == "/x" %s }\n}\n'
                 % ('(' * 20000, ')' * 20000))
    expect_in('nested too deeply', refused(POLICIES, '--policies', place.policies), 'the message')


def test_what_may_not_be_read_is_named(place):
    path = place.policy('p', GOOD)
    os.chmod(path, 0)
    _, _, err = run(EXECRAYCTL, 'check', place.policies, status=POLICIES, user='nobody')
    expect_in(b'p.policy: error: cannot be opened: Permission denied', err, 'the message')
    os.chmod(place.policies, 0o700)
    _, _, err = run(EXECRAYCTL, 'check', place.policies, status=POLICIES, user='nobody')
    expect_in(place.policies.encode(), err, 'the message')
    expect_in(b'Permission denied', err, 'the message')


def test_a_wrong_configuration_is_shown_with_its_place(place):
    place.policy('p', GOOD)
    config = place.write('c.yaml', 'capture:\n  ring_size: 3M\nalerts:\n  colour: red\n')
    text = refused(CONFIG, '--config', config, '--policies', place.policies)
    expect_in('c.yaml:2:', text, 'the message')
    expect_in('c.yaml:4:', text, 'the message')

    expect_in('missing.yaml', refused(CONFIG, '--config', place.join('missing.yaml'), '--policies', place.policies), 'the message')
    config = place.write('a.yaml', 'alerts: &a [*a]\n')
    expect_in('a.yaml:1:', refused(CONFIG, '--config', config, '--policies', place.policies), 'the message')
    config = place.write('w.yaml', 'alerts:\n  redact: yes\n', mode=0o666)
    expect_in('writable', refused(CONFIG, '--config', config, '--policies', place.policies), 'the message')


def test_the_configuration_is_obeyed(place):
    place.policy('p', GOOD.replace('"/nonexistent/p"', '"%s"' % place.join('f')))
    config = place.write('c.yaml', 'policies:\n  directories: [%s]\nalerts:\n  min_severity: high\n' % place.policies)
    _, out, err = run(EXECRAYD, '--config', config, '--output', 'json', '--duration', '50ms', status=0)
    expect_in(b'1 policies', err, 'the log')
    expect_equal(out, b'', 'the output')


def test_it_ends_by_itself_where_asked(place):
    place.policy('p', GOOD.replace('"/nonexistent/p"', '"%s"' % place.join('f')))
    with Daemon(place, '--exit-after-alerts', '1') as daemon:
        os.close(os.open(place.join('f'), os.O_CREAT | os.O_RDWR))
        expect_equal(daemon.process.wait(10), 0, 'the exit status')
        expect_equal(len(daemon.alerts()), 1, 'the number of alerts')
        expect_in('watched for', daemon.text(), 'the log')


def test_check_says_everything_and_its_status(place):
    place.policy('good', GOOD)
    _, out, _ = run(EXECRAYCTL, 'check', place.policies, status=0, user='nobody')
    expect_in(b'1 policy in 1 file: fine', out, 'the output')

    place.policy('bad', GOOD.replace('pathname ==', 'pathnaem ==').replace('"p"', '"q"'))
    _, out, err = run(EXECRAYCTL, 'check', place.policies, status=1, user='nobody')
    expect_in(b'bad.policy:4:14', err, 'the messages')
    expect_in(b'not usable, 1 error', out, 'the output')

    _, out, err = run(EXECRAYCTL, 'check', '--json', place.policies, status=1, user='nobody')
    answers = [json.loads(line) for line in out.decode().splitlines()]
    expect_equal([(a['severity'], a['line'], a['column']) for a in answers], [('error', 4, 14)], 'the JSON')

    run(EXECRAYCTL, 'check', place.join('nowhere'), status=6)
    run(EXECRAYCTL, 'check', status=USAGE)
    run(EXECRAYCTL, 'chek', place.policies, status=USAGE)
    expect_in(b"did you mean 'check'", run(EXECRAYCTL, 'chek')[2], 'the message')


def test_check_takes_anybodys_policies_unless_told_otherwise(place):
    path = place.policy('p', GOOD)
    os.chmod(path, 0o666)
    run(EXECRAYCTL, 'check', path, status=0)
    _, _, err = run(EXECRAYCTL, 'check', '--trusted', path, status=6)
    expect_in(b'writable', err, 'the message')


def test_an_output_that_is_full_or_closed_does_not_end_the_daemon(place):
    place.policy('p', GOOD.replace('"/nonexistent/p"', '"%s"' % place.join('f')).replace('low', 'low\n    suppress = 0s'))
    if os.path.exists('/dev/full'):
        with Daemon(place) as daemon:
            os.close(os.open(place.join('f'), os.O_CREAT | os.O_RDWR))
            daemon.wait_alert('p')
            daemon.stop()
        shell = 'exec "$@" > /dev/full'
        with Daemon(place, wrapper=('/bin/sh', '-c', shell, 'sh')) as daemon:
            os.close(os.open(place.join('f'), os.O_CREAT | os.O_RDWR))
            daemon.wait_for('Cannot write an alert')
            expect_in('1 NOT DELIVERED', daemon.stop(), 'the summary')


if __name__ == '__main__':
    main(globals())
