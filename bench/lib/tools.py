# SPDX-License-Identifier: Apache-2.0
"""The tools that bench/compare runs beside each other: how each is told the same as our policy, as far as it can be.

A tool is started for one load and one file, says what it saw when it is stopped, and is left out with a reason where it is
missing or the kernel refuses it. Whatever is started is ended by its own process id; rules of audit are taken back."""
import os, re, shutil, signal, subprocess, time

from common import ROOT, Daemon

LOADS = {                               # the load of bench-crowd, the call, what its `key value` lines call the watched ones
    'opens': ('openat', 'watched'),
    'execs': ('execve', 'execs'),
    'connects': ('connect', 'connects'),
}


class Skip(Exception):
    pass


class Tool:
    """The load alone."""
    name = 'nothing'
    loads = tuple(LOADS)
    tells = ''

    def __init__(self, build, folder):
        self.build, self.folder, self.process = build, folder, None

    def start(self, load, watched):
        pass

    def stop(self):
        """How many events it saw; None: it does not say."""
        return None

    def pids(self):
        return [self.process.pid] if self.process else []

    def spawn(self, command, ready=None, seconds=15):
        """`ready` is in what it prints once it watches."""
        self.out = os.path.join(self.folder, self.name.replace(' ', '-') + '.out')
        self.log = self.out + '.log'
        with open(self.out, 'wb') as out, open(self.log, 'wb') as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=log)
        end = time.monotonic() + seconds
        while ready and not re.search(ready, self.read(self.out) + self.read(self.log)):
            if self.process.poll() is not None or time.monotonic() > end:
                text = (self.read(self.log) + self.read(self.out)).strip().splitlines()
                self.end()
                raise Skip('did not start: ' + (text[-1][:120] if text else 'it said nothing'))
            time.sleep(0.05)

    @staticmethod
    def read(path):
        with open(path, errors='replace') as f:
            return f.read()

    def end(self, how=signal.SIGINT):
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None


class Execrayd(Tool):
    name = 'execrayd'
    tells = 'each event goes through the engine, no story comes of it; seen are all of the kind, watched or not'
    steps = {'opens': 'openat { flags & O_WRONLY, pathname == "%s" }', 'execs': 'execve { proc.name == "true" }',
             'connects': 'connect { dport == 9 }'}
    more = '    within = 10s\n'
    then = '    execve { filename == "/nonexistent/never" }\n'

    def start(self, load, watched):
        policies = os.path.join(self.folder, self.name.replace(' ', '-'))
        os.makedirs(policies, exist_ok=True)
        step = self.steps[load].replace('%s', watched)
        with open(os.path.join(policies, 'compare.policy'), 'w') as f:
            f.write('path "compare" {\n    description = "benchmark"\n    severity = low\n%s    %s\n%s}\n'
                    % (self.more, step, self.then))
        self.load = load
        self.alerts = open(os.path.join(self.folder, 'alerts.json'), 'wb')
        try:
            self.daemon = Daemon(os.path.join(self.build, 'daemon', 'app', 'execrayd'), [policies], stdout=self.alerts)
        except RuntimeError as error:
            raise Skip('did not start: ' + str(error).strip().splitlines()[-1][:120])
        time.sleep(0.5)                 # what it looks up after its start

    def pids(self):
        return [self.daemon.process.pid]

    def stop(self):
        text = self.daemon.stop()
        self.alerts.close()
        return self.seen(text)

    def seen(self, text):
        line = re.search(r'(?m)^execrayd:   events +(.*)$', text)
        found = re.search(r'\b%s (\d+)' % LOADS[self.load][0], line.group(1)) if line else None
        return int(found.group(1)) if found else 0


class ExecraydLines(Execrayd):
    name = 'execrayd, alerts'
    tells = 'an alert as a line of JSON for each event'
    more = '    suppress = 0s\n'
    then = ''

    def seen(self, text):
        with open(self.alerts.name, errors='replace') as f:
            return sum('"compare"' in line for line in f)


class Auditd(Tool):
    name = 'auditd'
    tells = 'a record in its log for each event'
    # Once audit was on, each process that begins is audited at every call, rules or not, until the machine starts anew: 110 ns
    # a call here. But for this rule, which is left behind when the tool has run.
    none = '-a never,task'
    rules = {'opens': ['-S', 'openat', '-F', 'path=%s', '-F', 'perm=w'], 'execs': ['-S', 'execve'], 'connects': ['-S', 'connect']}

    def control(self, *words):
        result = subprocess.run(['auditctl', *words], capture_output=True, text=True, timeout=20)
        if result.returncode != 0:
            raise Skip('auditctl %s: %s' % (words[0], (result.stderr + result.stdout).strip().splitlines()[-1][:100]))
        return result.stdout

    def status(self, key):
        return int(re.search(r'^%s (\d+)' % key, self.control('-s'), re.M).group(1))

    def start(self, load, watched):
        if not shutil.which('auditd') or not shutil.which('auditctl'):
            raise Skip('not installed')
        if self.status('pid') or self.control('-l').strip() not in ('No rules', self.none):
            raise Skip('audit is in use on this machine')
        place = os.path.join(self.folder, 'audit')
        os.makedirs(place, mode=0o700, exist_ok=True)
        self.log_file = os.path.join(place, 'audit.log')
        with open(os.path.join(place, 'auditd.conf'), 'w') as f:
            f.write('log_file = %s\nlog_format = RAW\nflush = INCREMENTAL_ASYNC\nfreq = 50\nmax_log_file = 4000\n'
                    'max_log_file_action = IGNORE\nspace_left = 75\nadmin_space_left = 50\nspace_left_action = IGNORE\nadmin_space_left_action = IGNORE\n'
                    'disk_full_action = IGNORE\ndisk_error_action = IGNORE\n' % self.log_file)
        os.chmod(os.path.join(place, 'auditd.conf'), 0o600)
        open(self.log_file, 'w').close()
        os.chmod(self.log_file, 0o600)
        self.spawn(['auditd', '-n', '-c', place], None)
        end = time.monotonic() + 10
        while self.status('pid') == 0:
            if self.process.poll() is not None or time.monotonic() > end:
                text = self.read(self.log).strip().splitlines()
                self.end()
                raise Skip('did not start: ' + (text[-1][:100] if text else 'it said nothing'))
            time.sleep(0.1)
        try:
            self.control('-D')
            self.control('-b', '8192')
            self.control('-a', 'always,exit', '-F', 'arch=b64', *(w.replace('%s', watched) for w in self.rules[load]), '-k', 'compare')
        except Skip:
            self.take_back()
            raise
        self.lost = self.status('lost')

    def take_back(self):
        self.control('-D')
        self.end(signal.SIGTERM)
        self.control('-e', '0')
        self.control(*self.none.split())

    def stop(self):
        time.sleep(0.5)
        self.take_back()
        with open(self.log_file, errors='replace') as f:
            seen = sum(line.startswith('type=SYSCALL') and 'key="compare"' in line for line in f)
        os.unlink(self.log_file)
        return seen


class Bpftrace(Tool):
    name = 'bpftrace'
    tells = 'a line for each event'
    scripts = {
        'opens': 'tracepoint:syscalls:sys_enter_openat /str(args->filename) == "%s"/ { printf("event %%d %%s\\n", pid, comm); }',
        'execs': 'tracepoint:syscalls:sys_enter_execve /str(args->filename) == "/bin/true"/ { printf("event %%d %%s\\n", pid, str(args->filename)); }',
        'connects': 'tracepoint:syscalls:sys_enter_connect { printf("event %%d %%s\\n", pid, comm); }',
    }

    def start(self, load, watched):
        if not shutil.which('bpftrace'):
            raise Skip('not installed')
        os.environ['BPFTRACE_STRLEN'] = '128'
        script = self.scripts[load] % watched if load == 'opens' else self.scripts[load] % ()
        self.spawn(['bpftrace', '-e', script], 'Attaching')
        time.sleep(2)                   # it says so before it does
        if self.process.poll() is not None:
            text = (self.read(self.log) + self.read(self.out)).strip().splitlines()
            raise Skip('did not start: ' + next((line for line in text if 'ERROR' in line), text[-1] if text else '')[:100])

    def stop(self):
        time.sleep(0.5)
        self.end()
        return sum(line.startswith('event ') for line in self.read(self.out).splitlines())


class Opensnoop(Tool):
    """That of libbpf, which brings what it knows of the kernel along; without it that of bcc, which wants the kernel's headers."""
    name = 'opensnoop'
    loads = ('opens',)
    tells = 'a line for each open; it cannot choose a path'

    def start(self, load, watched):
        self.watched = watched
        if shutil.which(self.name):
            self.spawn([self.name])     # what it prints comes when it ends
            time.sleep(2)
            if self.process.poll() is not None:
                text = (self.read(self.log) + self.read(self.out)).strip().splitlines()
                raise Skip('did not start: ' + (text[0][:120] if text else 'it said nothing'))
        elif shutil.which(self.name + '-bpfcc'):
            self.spawn([self.name + '-bpfcc'], r'(?m)^PID|^PCOMM', 40)
        else:
            raise Skip('not installed')

    def lines(self):
        time.sleep(0.5)
        self.end()
        return self.read(self.out).splitlines()

    def stop(self):
        return sum(line.endswith(self.watched) for line in self.lines())


class Execsnoop(Opensnoop):
    name = 'execsnoop'
    loads = ('execs',)
    tells = 'a line for each program'

    def stop(self):
        return sum('/bin/true' in line for line in self.lines())


class Absent(Tool):
    """Known by name: there are no rules of ours for it yet."""

    def start(self, load, watched):
        raise Skip('not installed' if not shutil.which(self.name) else 'installed, but there are no rules for it here')


TOOLS = [Tool, Execrayd, ExecraydLines, Auditd, Bpftrace, Opensnoop, Execsnoop] + [
    type(name.title(), (Absent,), {'name': name}) for name in ('falco', 'sysdig', 'tetragon')]
