# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end tests share: a real daemon, a place for its policies, real processes, and checks that say what went wrong.

A test is a program: it gets the paths of execrayd and execrayctl and the root of the tree, its functions named test_* run in order,
and it exits with 0, with 1 if one failed, or with 77 and a reason if it cannot run here."""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

EXECRAYD, EXECRAYCTL, ROOT = (os.path.abspath(p) for p in sys.argv[1:4]) if len(sys.argv) >= 4 else ('', '', '')
os.environ['STATE_DIRECTORY'] = ''      # no place, but for tests that have one: they would learn from each other
JOURNAL_SOCKET = '/run/systemd/journal/socket'
PATIENCE = 60                           # seconds, for what takes one on a machine that does nothing else


class Failure(Exception):
    pass


def expect(condition, message):
    if not condition:
        raise Failure(message)


def expect_equal(found, wanted, what):
    if found != wanted:
        raise Failure('%s is %r, not %r' % (what, found, wanted))


def expect_in(part, text, what):
    if part not in text:
        raise Failure('%s does not have %r:\n%s' % (what, part, text))


class Place:
    """A directory of the test's own, gone afterwards. Root's alone, so policies in it are trusted."""

    def __init__(self):
        self.path = tempfile.mkdtemp(prefix='execray-e2e-', dir='/tmp')
        os.chmod(self.path, 0o755)
        self.policies = self.join('policies')
        os.mkdir(self.policies, 0o755)

    def join(self, *parts):
        return os.path.join(self.path, *parts)

    def write(self, name, text, mode=0o644):
        path = self.join(name)
        with open(path, 'w') as f:
            f.write(text)
        os.chmod(path, mode)
        return path

    def policy(self, name, text):
        return self.write('policies/%s.policy' % name, text)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)


class Daemon:
    """execrayd with JSON on a file, until the end of the with-block. `wrapper` goes in front of the command."""

    def __init__(self, place, *arguments, output='json', policies=None, wrapper=(), pass_fds=()):
        self.place = place
        n = 0
        while os.path.exists(place.join('out.%d' % n)):
            n += 1
        self.out, self.log = place.join('out.%d' % n), place.join('log.%d' % n)
        command = list(wrapper) + [EXECRAYD, '--policies', policies or place.policies, '--output', output] + list(arguments)
        with open(self.out, 'wb') as out, open(self.log, 'wb') as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=log, pass_fds=pass_fds)

    def text(self):
        with open(self.log, errors='replace') as f:
            return f.read()

    def output(self):
        with open(self.out, 'rb') as f:
            return f.read()

    def wait_for(self, what, seconds=PATIENCE, start=0):
        """Until the log has this after the first `start` characters; returns the log."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            text = self.text()
            if what in text[start:]:
                return text
            if self.process.poll() is not None:
                break
            time.sleep(0.01)
        raise Failure('the daemon did not say %r within %d s:\n%s' % (what, seconds, self.text()))

    def alerts(self):
        """All whole lines so far, each checked to be strict JSON."""
        lines = self.output().split(b'\n')[:-1]
        return [json.loads(line.decode('utf-8', errors='strict'), parse_constant=None) for line in lines]

    def wait_alert(self, policy, n=1, seconds=PATIENCE):
        """The n-th alert of the policy."""
        end = time.monotonic() + seconds
        while True:
            found = [a for a in self.alerts() if a['policy'] == policy and a['type'] == 'alert']
            if len(found) >= n:
                return found[n - 1]
            if time.monotonic() > end or self.process.poll() is not None:
                raise Failure('no alert %d of %s within %d s; alerts: %s\nlog:\n%s'
                              % (n, policy, seconds, [a['policy'] for a in self.alerts()], self.text()))
            time.sleep(0.01)

    def settle(self):
        """Until what has happened so far must have come through: longer than the capture's latency."""
        time.sleep(0.3)

    def reload(self):
        start = len(self.text())
        self.process.send_signal(signal.SIGHUP)
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            text = self.text()[start:]
            if 'Reloaded' in text or 'Not reloaded' in text:
                return text
            time.sleep(0.01)
        raise Failure('the daemon did not answer SIGHUP:\n' + self.text())

    def stop(self, how=signal.SIGTERM):
        """Ends it and returns its log; it must end well."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        status = self.process.wait(PATIENCE)
        expect_equal(status, 0, 'the exit status of the daemon')
        return self.text()

    def __enter__(self):
        self.wait_for('watching;')
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


class Recorder:
    """execrayctl record, from the moment that it records on."""

    def __init__(self, path, *arguments):
        self.path = path
        self.process = subprocess.Popen([EXECRAYCTL, 'record', path] + list(arguments), stdin=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE)
        said = []
        while True:                     # what this host cannot show is said first
            line = self.process.stderr.readline()
            said.append(line)
            if not line or b'recording to' in line:
                break
        expect_in(b'recording to', line, 'what the recorder says: %r' % said)

    def stop(self):
        time.sleep(0.3)
        self.process.send_signal(signal.SIGINT)
        text = self.process.stderr.read().decode(errors='replace')
        expect_equal(self.process.wait(20), 0, 'the exit status of the recorder')
        return text


def run(*command, status=None, user=None, data=None, timeout=60, **options):
    """Run to its end: (exit status, stdout, stderr) as bytes; as `nobody` if asked."""
    command = list(command)
    if user == 'nobody':
        command = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--inh-caps=-all'] + command
    result = subprocess.run(command, input=data, stdin=None if data is not None else subprocess.DEVNULL, capture_output=True,
                            timeout=timeout, **options)
    if status is not None and result.returncode != status:
        raise Failure('%s ended with %d, not %d:\n%s%s' % (' '.join(map(str, command)), result.returncode, status,
                                                           result.stdout.decode(errors='replace'),
                                                           result.stderr.decode(errors='replace')))
    return result.returncode, result.stdout, result.stderr


def sh(script, *arguments, **options):
    """A shell as the attacker; returns what it printed."""
    return run('/bin/sh', '-c', script, 'sh', *arguments, status=0, **options)[1]


def until(check, what, seconds=PATIENCE, log=lambda: ''):
    """What the check finds, once it finds something."""
    end = time.monotonic() + seconds
    while True:
        found = check()
        if found:
            return found
        if time.monotonic() > end:
            raise Failure('%s did not come within %d s; the log:\n%s' % (what, seconds, log()[-3000:]))
        time.sleep(0.05)


def skip(reason):
    print(reason)
    sys.exit(77)


def main(namespace):
    if os.geteuid() != 0:
        skip('needs root')
    failed = 0
    tests = [(name, f) for name, f in namespace.items() if name.startswith('test_')]
    for name, test in tests:
        start = time.monotonic()
        try:
            with Place() as place:
                test(place)
            print('ok      %-70s %5.1f s' % (name[5:], time.monotonic() - start))
        except (Failure, AssertionError) as e:
            failed += 1
            print('FAILED  %s\n%s' % (name[5:], e))
        except Exception:
            failed += 1
            print('FAILED  %s' % name[5:])
            traceback.print_exc(file=sys.stdout)
        sys.stdout.flush()
    print('%d of %d failed' % (failed, len(tests)))
    sys.exit(1 if failed else 0)
