#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A trace shows what happens on the host, as people and programs read it, and ends when it should."""
import json
import signal
import subprocess
import time

from harness import EXECRAYCTL, expect, expect_equal, expect_in, main, run, sh


class Trace:
    """Goes on until it is stopped, or for as long as its arguments say."""
    def __init__(self, *arguments):
        self.process = subprocess.Popen([EXECRAYCTL, 'trace'] + list(arguments), stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        said = []
        while not said or not said[-1].startswith(b'execrayctl: watching'):
            said.append(self.process.stderr.readline())
            expect(said[-1], 'it does not watch: %s' % said)

    def stop(self):
        time.sleep(0.5)
        self.process.send_signal(signal.SIGINT)
        out, err = self.process.communicate(timeout=30)
        expect_equal(self.process.returncode, 0, 'the exit status')
        return out.decode(), err.decode()


def test_what_a_condition_asks_for_is_shown_and_nothing_else(place):
    mine = place.join('mine')
    trace = Trace('--where', f'pathname startswith "{mine}"', '--kind', 'openat,unlink')
    sh('echo x > "$1"; cat "$1" > /dev/null; cat "$1-not-there" 2> /dev/null; rm "$1"; cat /etc/hostname > /dev/null', mine)
    out, err = trace.stop()
    lines = out.splitlines()
    expect_in('TIME', lines[0], 'the head')
    expect(all(mine in line for line in lines[1:]), 'something else is shown:\n' + out)
    expect_equal([line.split()[3] for line in lines[1:]], ['openat', 'openat', 'openat', 'unlink'], 'the kinds')
    expect(lines[3].endswith(' = -ENOENT'), 'the error is not at the end of its line: ' + lines[3])
    expect_in('O_WRONLY|O_CREAT', lines[1], 'the flags')
    expect_in(', 4 shown, 0 lost', err, 'the last line')


def test_json_is_an_object_a_line_with_who_and_what(place):
    mine = place.join('mine')
    trace = Trace('--json', '--where', f'filename == "{mine}"')
    sh('cp /bin/true "$1"; "$1" --password hunter2', mine)
    events = [json.loads(line) for line in trace.stop()[0].splitlines()]
    expect_equal([e['kind'] for e in events], ['execve'], 'the kinds')
    expect_equal(events[0]['fields']['argv'], [mine, '--password', '[redacted]'], 'the arguments')
    expect_equal(events[0]['process']['exe'], mine, 'the program')


def test_a_count_ends_it_and_so_does_a_reader_who_goes(place):
    trace = Trace('--kind', 'exit', '--count', '2')
    sh('for i in 1 2 3 4; do /bin/true; done')
    out, err = trace.process.communicate(timeout=30)
    expect_equal(trace.process.returncode, 0, 'the exit status')
    expect_equal(len(out.splitlines()), 3, 'the number of lines')

    trace = Trace('--where', f'pathname == "{place.join("nowhere")}"')
    trace.process.stdout.close()
    expect_equal(trace.process.wait(20), 0, 'the exit status without a reader')


def test_it_needs_privilege_and_says_so(place):
    err = run(EXECRAYCTL, 'trace', '--kind', 'exit', '--duration', '1s', user='nobody', status=3)[2]
    expect_in(b'CAP_BPF', err, 'what it says')


if __name__ == '__main__':
    main(globals())
