#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A real daemon sees a story of real processes and tells it right."""
import json
import os
import re
import stat
import subprocess
import sys
import threading
import time

from harness import Daemon, Failure, expect, expect_equal, expect_in, main, run, sh

DROPPED = '''
path "dropped" {
    description = "A file is written, made executable and run"
    severity    = high
    mitre       = ["T1105"]
    by          = tree
    within      = 1m

    openat { flags & O_CREAT, pathname == "%(dir)s/payload", $file = pathname }
    chmod  { mode & 0111, pathname == $file }
    execve { filename == $file }
}
'''


def play(place):
    """Three processes below one shell write a file, make it executable and run it."""
    return int(sh('echo $$; cat /bin/true > "$1/payload"; chmod 755 "$1/payload"; "$1/payload" --token s3cr3t-t0k3n; rm "$1/payload"',
                  place.path))


def test_a_story_over_several_processes_is_one_alert_with_its_steps(place):
    place.policy('dropped', DROPPED % {'dir': place.path})
    with Daemon(place) as daemon:
        before = time.time()
        shell = play(place)
        alert = daemon.wait_alert('dropped')
        after = time.time()

        expect_equal(alert['version'], 1, 'version')
        expect_equal(alert['severity'], 'high', 'severity')
        expect_equal(alert['techniques'], ['T1105'], 'techniques')
        expect_equal(alert['by'], 'tree', 'by')
        expect(before - 0.1 <= alert['time'] <= after + 0.1, 'the time %r is not between %r and %r' % (alert['time'], before, after))
        expect(alert['key'].startswith('tree '), 'the key is %r' % alert['key'])
        expect_equal(alert['captures'], {'file': place.join('payload')}, 'captures')
        expect_equal(alert['gap'], None, 'gap')
        expect_equal(alert['suppressed'], 0, 'suppressed')

        process = alert['process']
        expect_equal(process['exe'], place.join('payload'), 'the exe of the actor')
        expect_equal(process['argv'][0], place.join('payload'), 'its argv[0]')
        expect_equal(process['uid'], 0, 'its uid')
        expect_equal(process['cwd'], os.getcwd(), 'its cwd')
        expect(not [p for p in [process, *(s['process'] for s in alert['steps'])] if 'before_us' in p], 'a process that was seen to begin')
        expect_equal([alert['ancestors'][i].get('before_us') for i in (0, 1)], [None, True], 'who of the ancestors ran before')

        expect_equal([s['kind'] for s in alert['steps']], ['openat', 'chmod', 'execve'], 'the kinds of the steps')
        expect_equal([s['step'] for s in alert['steps']], [1, 2, 3], 'their numbers')
        expect_equal(alert['steps'][0]['fields']['pathname'], place.join('payload'), 'the file of step 1')
        expect_in('O_CREAT', alert['steps'][0]['fields']['flags'], 'its flags')
        expect_equal(alert['steps'][1]['fields']['mode'], '0755', 'the mode of step 2')
        expect_equal(alert['steps'][1]['process']['exe'], os.path.realpath('/bin/chmod'), 'who did step 2')
        times = [s['time'] for s in alert['steps']]
        expect_equal(times, sorted(times), 'the times of the steps')

        ancestors = alert['ancestors']
        expect_equal(ancestors[0]['pid'], shell, 'the parent')
        expect_equal(ancestors[1]['pid'], os.getpid(), 'the grandparent')
        expect(all('pid' in a and 'exe' in a for a in ancestors), 'each ancestor has pid and exe: %r' % ancestors)

        n = len(daemon.alerts())
        text = daemon.stop()
        expect_equal(n, 1, 'the number of alerts')
        expect_in('dropped 1', text, 'the summary')


OPENED = '''
path "opened" {
    severity = high
    suppress = 0s
    openat { pathname == "%(dir)s/bait" }
}
'''


def test_a_reader_that_stops_reading_stops_nobody_and_finds_whole_lines_when_it_goes_on(place):
    """More than a pipe and what may wait besides can hold, while nobody reads; the daemon still answers."""
    place.policy('opened', OPENED % {'dir': place.path})
    os.mkfifo(place.join('fifo'))
    reader = os.open(place.join('fifo'), os.O_RDONLY | os.O_NONBLOCK)
    with Daemon(place, wrapper=['/bin/sh', '-c', 'out=$1; shift; exec "$@" > "$out"', 'sh', place.join('fifo')]) as daemon:
        n_opened = 0
        end = time.monotonic() + 30
        while 'does not keep up' not in daemon.text():
            expect(time.monotonic() < end, 'nobody has said that alerts find no room after %d' % n_opened)
            for _ in range(100):
                os.close(os.open(place.join('bait'), os.O_RDWR | os.O_CREAT))
                n_opened += 1
            time.sleep(0.05)
        expect_in('Reloaded', daemon.reload(), 'what it says to SIGHUP')

        found = bytearray()

        def read():
            while True:
                try:
                    part = os.read(reader, 1 << 20)
                except BlockingIOError:
                    time.sleep(0.005)
                    continue
                if not part:
                    return
                found.extend(part)

        thread = threading.Thread(target=read)
        thread.start()
        text = daemon.stop()
        thread.join()
    os.close(reader)
    expect(found.endswith(b'\n'), 'the last line is cut')
    alerts = [json.loads(line) for line in found.split(b'\n')[:-1]]
    refused = int(re.search(r'note: (\d+) alerts did not fit', text).group(1))
    expect_in('%d NOT DELIVERED' % refused, text, 'the summary')
    expect_equal(sum(1 for a in alerts if a['type'] == 'alert') + refused, n_opened, 'alerts that were read and that found no room')


PASSED = '''
path "passed-on" {
    severity = high
    within   = 1m

    openat as $opener { pathname == "%(dir)s/secret" }
    dup    as $taker  { call == %(call)s, sender.pid == %(pid)s } same file as $opener
    write  { length == 9 } same file as $opener same process as $taker
}
'''

# Two processes; the first opens the file, the second gets the descriptor and writes what is there.
PASS_ON = '''
import array, ctypes, os, socket, sys
way, path = sys.argv[1:]
ends = socket.socketpair()
if os.fork() == 0:
    message, control, _, _ = ends[1].recvmsg(16, socket.CMSG_SPACE(4))
    if way == 'message':
        fd = array.array('i', control[0][2])[0]
    else:
        fd = ctypes.CDLL(None).syscall(438, os.pidfd_open(int(sys.stdin.readline())), int(message), 0)
    os.write(fd, b'the news\\n')
    os._exit(0)
fd = os.open(path, os.O_WRONLY)
if way == 'message':
    ends[0].sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [fd]))])
else:
    ends[0].send(b'%d' % fd)
sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))
'''


def pass_on(place, way):
    """The opener's pid has to be in the policy: so it waits until its input is there."""
    place.write('secret', '', 0o600)
    opener = subprocess.Popen(['sh', '-c', 'read go; exec "$@"', 'sh', sys.executable, '-c', PASS_ON, way, place.join('secret')],
                              stdin=subprocess.PIPE, text=True)
    place.policy('passed', PASSED % {'dir': place.path, 'pid': opener.pid, 'call': {'message': 'recvmsg'}.get(way, way)})
    with Daemon(place) as daemon:
        opener.communicate('go\n%d\n' % opener.pid, timeout=20)
        expect_equal(opener.returncode, 0, 'the status of who passes a descriptor on')
        return opener.pid, daemon.wait_alert('passed-on')


def check_passed_on(opener, alert):
    steps = alert['steps']
    expect_equal([s['kind'] for s in steps], ['openat', 'dup', 'write'], 'the kinds of the steps')
    expect_equal(steps[0]['process']['pid'], opener, 'who opened it')
    expect_equal(steps[1]['fields']['pathname'], steps[0]['fields']['pathname'], 'the file of the descriptor')
    expect_equal(steps[1]['fields']['sender.pid'], opener, 'whose it was')
    expect(steps[2]['process']['pid'] == steps[1]['process']['pid'] != opener, 'another process did not write: %r' % steps)


def test_a_descriptor_that_is_passed_on_in_a_message_is_followed(place):
    check_passed_on(*pass_on(place, 'message'))


def test_a_descriptor_that_is_taken_from_another_process_is_followed(place):
    check_passed_on(*pass_on(place, 'pidfd_getfd'))


def test_secrets_in_arguments_are_hidden_in_every_form(place):
    place.policy('dropped', DROPPED % {'dir': place.path})
    with Daemon(place, output='text,json') as daemon:
        play(place)
        end = time.monotonic() + 10
        while b'"policy":"dropped"' not in daemon.output() and time.monotonic() < end:
            time.sleep(0.02)
        output = daemon.output()
        expect(b'--token [redacted]' in output, 'the option is there and its value is not: %r' % output)
        expect(b's3cr3t' not in output, 'the secret is told: %r' % output)
        expect(b'HIGH dropped' in output, 'the text form is there, too')


def test_a_near_miss_is_silent(place):
    place.policy('dropped', DROPPED % {'dir': place.path})
    with Daemon(place) as daemon:
        # Everything but the last step, and the steps in another order.
        sh('cat /bin/true > "$1/payload"; chmod 755 "$1/payload"; rm "$1/payload"', place.path)
        sh('cp /bin/true "$1/other"; chmod 755 "$1/other"; "$1/other"; rm "$1/other"', place.path)
        daemon.settle()
        expect_equal(daemon.alerts(), [], 'alerts')


def test_hostile_file_names_are_safe_in_json_and_text(place):
    place.policy('hostile', 'path "hostile" {\n    description = "x"\n    severity = low\n    suppress = 0s\n'
                            '    openat { flags & O_CREAT, pathname startswith "%s/h-" }\n}\n' % place.path)
    names = [b'h-new\nline', b'h-esc\x1b[2J\x1b]0;x\x07', b'h-\xff\xfe\x80', b'h-quote"back\\slash', b'h-\xe2\x80\xaegpj.exe',
             b'h-CR\rOVER', b'h-tab\ttab', b'h-\xc2\x9b31m']
    with Daemon(place, output='json') as daemon:
        for name in names:
            os.close(os.open(os.path.join(place.path.encode(), name), os.O_CREAT | os.O_WRONLY, 0o600))
        daemon.wait_alert('hostile', len(names))
        found = [a['steps'][0]['fields']['pathname'] for a in daemon.alerts()]
        expect_equal(len(found), len(names), 'the number of alerts')
        expect(found[0].endswith('/h-new\nline'), 'a newline comes back through JSON: %r' % found[0])
        expect(found[2].endswith('/h-\\xff\\xfe\\x80'), 'bytes that are no UTF-8 are told as such: %r' % found[2])
        raw = daemon.output()
        for i in range(0, len(raw)):
            expect(raw[i] == 10 or raw[i] >= 32, 'a control byte %d in the JSON' % raw[i])
        expect(b'\xe2\x80\xae' not in raw and b'\xc2\x9b' not in raw, 'text can be reordered by what is in the JSON')

    with Daemon(place, output='text') as daemon:
        for name in names:
            os.unlink(os.path.join(place.path.encode(), name))
            os.close(os.open(os.path.join(place.path.encode(), name), os.O_CREAT | os.O_WRONLY, 0o600))
        end = time.monotonic() + 10
        while daemon.output().count(b'LOW hostile') < len(names) and time.monotonic() < end:
            time.sleep(0.02)
        raw = daemon.output()
        expect_equal(raw.count(b'LOW hostile'), len(names), 'the number of alerts')
        expect(all(b == 10 or b >= 32 for b in raw), 'control bytes in the text')
        expect(b'\xe2\x80\xae' not in raw and b'\xc2\x9b' not in raw, 'text can be reordered by what is in it')
        raw.decode('utf-8', errors='strict')


def test_the_daemon_does_not_watch_itself(place):
    policy = place.policy('self', 'path "reader" {\n    description = "x"\n    severity = low\n    suppress = 0s\n'
                                  '    openat { pathname == "%s" }\n}\n' % place.join('policies', 'self.policy'))
    with Daemon(place) as daemon:
        sh('cat "$1" > /dev/null', policy)
        daemon.wait_alert('reader')
        daemon.reload()                 # which opens the file, in the daemon's child that compiles: told like anybody's
        daemon.settle()
        alerts = daemon.alerts()
        expect(daemon.process.pid not in [a['process']['pid'] for a in alerts], 'the daemon told of itself')
        expect_equal([a['ancestors'][0]['pid'] == daemon.process.pid for a in alerts], [False, True], 'whose children alerts tell of')


MAPPED = '''
path "mapped" {
    description = "A file is written through memory, without a write"
    severity    = high
    suppress    = 0s

    mmap { pathname == "%(file)s", flags & MAP_SHARED, prot & PROT_WRITE }
}
'''

MEMORY_FILE = '''
path "memory_file" {
    description = "A file that is nowhere is made, filled through memory and run"
    severity    = high
    by          = process
    suppress    = 0s

    memfd_create { $made = file }
    mmap         { file == $made, flags & MAP_SHARED, prot & PROT_WRITE }
    execve       { proc.exe_memfd }
}
'''


def test_a_file_that_is_written_through_memory_is_seen(place):
    victim = place.write('victim', 'x' * 4096)
    place.policy('mapped', MAPPED % {'file': victim})
    mapping = '''
import mmap, os, sys
fd = os.open(sys.argv[1], os.O_RDWR)
memory = mmap.mmap(fd, 4096, %s, mmap.PROT_READ%s)
%s'''
    with Daemon(place) as daemon:
        for flags, prot, use in (('mmap.MAP_PRIVATE', ' | mmap.PROT_WRITE', 'memory[0:4] = b"mine"'), ('mmap.MAP_SHARED', '', '')):
            run(sys.executable, '-c', mapping % (flags, prot, use), victim, status=0)
        daemon.settle()
        expect_equal(daemon.alerts(), [], 'the alerts of mappings that write to no file')
        run(sys.executable, '-c', mapping % ('mmap.MAP_SHARED', ' | mmap.PROT_WRITE', 'memory[0:4] = b"mine"'), victim, status=0)
        daemon.wait_alert('mapped')
        with open(victim) as f:
            expect_equal(f.read(4), 'mine', 'what was written')
        daemon.stop()


def test_a_program_that_runs_from_memory_is_seen_from_its_making(place):
    place.policy('memory_file', MEMORY_FILE)
    with Daemon(place) as daemon:
        run(sys.executable, '-c', '''
import mmap, os
image = open('/bin/true', 'rb').read()
fd = os.memfd_create('x', 0)
os.ftruncate(fd, len(image))
memory = mmap.mmap(fd, len(image), mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
memory[:] = image
memory.close()
copy = os.open('/proc/self/fd/%d' % fd, os.O_RDONLY)
os.close(fd)
os.execve(copy, ['true'], {})
''', status=0)
        daemon.wait_alert('memory_file')
        daemon.stop()


def test_what_ran_before_the_daemon_is_known(place):
    place.policy('old', 'path "old" {\n    description = "x"\n    severity = low\n'
                        '    openat { pathname == "%s/late" }\n}\n' % place.path)
    place.write('late', '')
    program = 'import sys; sys.stdin.readline(); open(sys.argv[1]).close(); sys.stdin.readline()'
    old = subprocess.Popen(['/usr/bin/python3', '-c', program, place.join('late'), '--password', 'hunter22'],
                           stdin=subprocess.PIPE, cwd='/')
    try:
        time.sleep(0.2)
        with Daemon(place) as daemon:
            old.stdin.write(b'\n')
            old.stdin.flush()
            process = daemon.wait_alert('old')['process']
            expect_equal((process.get('before_us'), process.get('exe_before_us')), (True, True), 'that it ran before')
            expect_equal(process['pid'], old.pid, 'the pid')
            expect_equal(process['exe'], os.path.realpath('/usr/bin/python3'), 'the exe')
            expect_in(place.join('late'), process['args'], 'the arguments')
            expect(process['args'].endswith('--password [redacted]'), 'the password of the running process: %s' % process['args'])
            with open('/proc/%d/stat' % old.pid) as f:
                ticks = int(f.read().rsplit(')', 1)[1].split()[19])
            with open('/proc/stat') as f:
                boot = int([line for line in f if line.startswith('btime')][0].split()[1])
            expect(abs(process['start'] - boot - ticks / os.sysconf('SC_CLK_TCK')) < 2, 'the start time %r' % process['start'])
    finally:
        old.stdin.close()
        old.wait()


def test_many_things_at_once_are_all_accounted_for(place):
    place.policy('p', 'path "p" {\n    description = "x"\n    severity = low\n    suppress = 0s\n'
                      '    openat { pathname == "%s/f" }\n}\n' % place.path)
    place.write('f', '')
    with Daemon(place) as daemon:
        for _ in range(200):
            os.close(os.open(place.join('f'), os.O_RDONLY))
        daemon.wait_alert('p', 200)
        text = daemon.stop()
        expect_equal(len([a for a in daemon.alerts() if a['type'] == 'alert']), 200, 'the number of alerts')
        numbers = [a['number'] for a in daemon.alerts()]
        expect_equal(numbers, list(range(1, len(numbers) + 1)), 'the numbers of the alerts')
        expect_in('dropped 0', text, 'the summary')
        expect_in('p 200', text, 'the summary')
        line = [x for x in text.splitlines() if 'produced' in x]
        expect(len(line) == 1, 'one line of the summary balances the events: %s' % text)


def test_modes_of_files_are_left_alone(place):
    """The daemon writes nothing but its outputs."""
    place.policy('p', DROPPED % {'dir': place.path})
    before = {p: os.stat(os.path.join(place.policies, p)).st_mtime for p in os.listdir(place.policies)}
    with Daemon(place) as daemon:
        play(place)
        daemon.wait_alert('dropped')
        daemon.stop()
    after = {p: os.stat(os.path.join(place.policies, p)).st_mtime for p in os.listdir(place.policies)}
    expect_equal(after, before, 'the policies')
    expect(stat.S_IMODE(os.stat(place.policies).st_mode) == 0o755, 'the mode of the directory')


if __name__ == '__main__':
    assert Failure
    main(globals())
