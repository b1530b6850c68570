#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Scripts are asked about alerts, and whatever becomes of them, the alert is told."""
import os
import shutil
import signal
import subprocess
import time

from harness import Daemon, EXECRAYCTL, EXECRAYD, Failure, expect, expect_equal, expect_in, main, run

POLICY = ('path "mark" {\n    description = "x"\n    severity = medium\n    suppress = 0s\n    respond = ["look", "mark $p"]\n'
          '    openat as $p { pathname startswith "%(place)s/touched" }\n}\n'
          'path "plain" {\n    description = "x"\n    severity = low\n    suppress = 0s\n'
          '    openat { pathname == "%(place)s/plain" }\n}\n')
SCRIPT = '''enricher("look", function(alert) execray.field("looked", "yes") end)
responder("mark", function(alert)
    local file = alert.steps[1].fields.pathname
    execray.field("marker", text.match(file, "([^/]+)$") .. " " .. tostring(alert.target.pid == alert.process.pid))
    if text.contains(file, "severe") then execray.severity("critical") end
    if text.contains(file, "wrong") then local x = nil + 1 end
    if text.contains(file, "slow") then while true do end end
    if text.contains(file, "act") then execray.action("signal", {process = alert.target, signal = "TERM"}) end
end)
'''
CONFIG = 'scripts:\n  time: 20s\n  instructions: 10000000000\n  enrich_timeout: %s\n'


def touch(place, name):
    os.close(os.open(place.join(name), os.O_RDWR | os.O_CREAT, 0o600))


def prepare(place, timeout='10s', script=SCRIPT):
    place.policy('mark', POLICY % {'place': place.path})
    os.makedirs(place.join('lua'), 0o755, exist_ok=True)
    place.write('lua/mark.lua', script)
    return ['--config', place.write('config.yaml', CONFIG % timeout), '--scripts', place.join('lua')]


def responder(daemon, other=None):
    """The process that runs scripts, once there is one, and another than that."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        for pid in open('/proc/%d/task/%d/children' % (daemon.process.pid, daemon.process.pid)).read().split():
            try:
                if open('/proc/%s/cmdline' % pid).read().startswith('execray-respond') and int(pid) != other:
                    return int(pid)
            except OSError:
                pass
        time.sleep(0.01)
    raise Failure('no process runs scripts:\n' + daemon.text())


def wait_response(daemon, n):
    """The answer that came after its alert."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        found = [a for a in daemon.alerts() if a['type'] == 'response']
        if len(found) >= n:
            return found[n - 1]
        time.sleep(0.01)
    raise Failure('no answer came:\n' + daemon.text())


def test_what_scripts_say_is_in_the_alert(place):
    with Daemon(place, *prepare(place)) as daemon:
        touch(place, 'touched-severe-act')
        alert = daemon.wait_alert('mark')
        response = alert['response']
        expect_equal(response['state'], 'answered', 'the state')
        expect_equal(response['fields'], {'looked': 'yes', 'marker': 'touched-severe-act true'}, 'the fields')
        expect_equal(alert['severity'], 'critical', 'the severity')
        expect_equal(response['errors'], [], 'the errors')
        expect(response['actions'][0]['state'] in ('dry-run', 'refused'), 'something was done: %r' % response['actions'])
        expect_in('signal process=%d signal=TERM' % os.getpid(), response['actions'][0]['action'], 'the action')

        touch(place, 'touched-wrong')
        alert = daemon.wait_alert('mark', 2)
        expect_equal(alert['severity'], 'medium', 'the severity')
        expect_equal(alert['response']['fields']['marker'], 'touched-wrong true', 'the field')
        expect_in('mark.lua:6:', alert['response']['errors'][0]['error'], 'the error')
        expect_in('stack traceback', alert['response']['errors'][0]['error'], 'the error')

        touch(place, 'plain')
        expect('response' not in daemon.wait_alert('plain'), 'an alert without responders was asked about')
        expect_in('2 alerts asked, 2 answered', daemon.stop(), 'the summary')


def test_what_is_enforced_is_done(place):
    arguments = prepare(place)
    with open(place.join('config.yaml'), 'a') as f:
        f.write('response:\n  enforce: yes\n')
    with Daemon(place, *arguments) as daemon:
        with subprocess.Popen(['/bin/sh', '-c', ': > "$1"; sleep 60', 'sh', place.join('touched-act')], start_new_session=True) as child:
            try:
                action = daemon.wait_alert('mark')['response']['actions'][0]
                expect_equal(action['state'], 'done', 'what became of it (%s)' % action['result'])
                expect_equal(child.wait(10), -signal.SIGTERM, 'how the process ended')
            finally:
                try:
                    os.killpg(child.pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass                 # it was ended before it had a child
        daemon.stop()


def test_scripts_run_with_what_actions_need_alone(place):
    kept = {1: 'DAC_OVERRIDE', 2: 'DAC_READ_SEARCH', 3: 'FOWNER', 5: 'KILL', 12: 'NET_ADMIN', 39: 'BPF', 19: 'SYS_PTRACE', 31: 'SETFCAP'}
    with Daemon(place, *prepare(place)) as daemon:
        with open('/proc/%d/status' % responder(daemon)) as f:
            status = dict(line.rstrip('\n').split(':\t', 1) for line in f if ':\t' in line)
        for key in ('CapPrm', 'CapEff', 'CapBnd'):
            more = int(status[key], 16) & ~sum(1 << bit for bit in kept)
            expect_equal('%x' % more, '0', 'what it has more of in %s' % key)
        expect_equal(status['CapEff'], status['CapPrm'], 'what it has and uses')
        expect_equal((int(status['CapInh'], 16), int(status['CapAmb'], 16)), (0, 0), 'what it would hand on')
        expect_equal(status['NoNewPrivs'], '1', 'no new privileges')
        daemon.stop()


def test_what_a_script_puts_on_a_list_policies_ask_for(place):
    name = 'test_%d' % os.getpid()
    add = '''responder("remember", function(alert)
    execray.action("list_add", {list = "%s", value = alert.steps[1].fields.pathname, duration = "1h"})
    execray.log(execray.listed("%s", alert.steps[1].fields.pathname), execray.listed("%s", "other"))
end)
''' % (name, name, name)
    policy = ('path "first" {\n    description = "x"\n    severity = medium\n    suppress = 0s\n    respond = ["remember"]\n'
              '    openat { pathname startswith "%s/new", pathname not in runtime.%s }\n}\n'
              'path "again" {\n    description = "x"\n    severity = high\n    suppress = 0s\n'
              '    openat { pathname in runtime.%s }\n}\n' % (place.path, name, name))
    arguments = prepare(place, script=add)
    place.policy('mark', policy)
    was_there = os.path.exists('/var/lib/execrayd')
    try:
        with Daemon(place, *arguments) as daemon:
            touch(place, 'new')
            response = daemon.wait_alert('first')['response']
            expect_equal(response['actions'][0]['state'], 'done', 'what became of it (%s)' % response['actions'][0]['result'])
            expect_equal(response['log'][0].split(), ['true', 'false'], 'what the script saw')
            touch(place, 'new')
            daemon.wait_alert('again')
            expect_in('Reloaded', daemon.reload(), 'the log')
            touch(place, 'new')
            daemon.wait_alert('again', 2)
            daemon.stop()
        with Daemon(place, *arguments) as daemon:    # what was on it, is
            before = len([a for a in daemon.alerts() if a['policy'] == 'again'])
            touch(place, 'new')
            daemon.wait_alert('again', before + 1)
            place.policy('mark', (POLICY % {'place': place.path}).replace('    respond = ["look", "mark $p"]\n', ''))
            expect_in("The runtime list '%s' has 1 values, and no policy asks for it any more" % name, daemon.reload(), 'the log')
            daemon.stop()
    finally:
        try:
            os.unlink('/run/execrayd/lists/' + name)
        except OSError:
            pass
        if not was_there:
            shutil.rmtree('/var/lib/execrayd', ignore_errors=True)


def test_a_step_is_answered_before_the_story_is_complete(place):
    arguments = prepare(place, script='''responder("stop", function(alert)
    execray.log(alert.type, alert.step, #alert.steps, alert.number)
    execray.action("signal", {process = alert.target, signal = "KILL"})
end)
''')
    place.policy('mark', 'path "three" {\n    description = "x"\n    severity = medium\n    suppress = 0s\n    on step 2 respond ["stop $p"]\n'
                 + ''.join('    openat %s{ pathname == "%s/%d" }\n' % ('as $p ' if i == 1 else '', place.path, i) for i in (1, 2, 3)) + '}\n')
    with open(place.join('config.yaml'), 'a') as f:
        f.write('response:\n  enforce: yes\n')
    with Daemon(place, *arguments) as daemon:
        with subprocess.Popen(['/bin/sh', '-c', ': > "$1/1"; : > "$1/2"; read x; : > "$1/3"', 'sh', place.path], stdin=subprocess.PIPE) as child:
            try:
                expect_equal(child.wait(10), -signal.SIGKILL, 'how the process ended')
            finally:
                child.kill()
        answer = wait_response(daemon, 1)
        expect_equal((answer['policy'], answer['step'], answer['number']), ('three', 2, 0), 'what was answered')
        expect_equal(answer['response']['actions'][0]['state'], 'done', 'what became of the action')
        expect_in('step\t2\t2\t0', '\t'.join(answer['response']['log'][0].split()), 'what the script saw')
        expect_equal([a['type'] for a in daemon.alerts()], ['response'], 'all that was told')
        expect(not os.path.exists(place.join('3')), 'the third step was taken')
        daemon.stop()


def test_many_steps_leave_alerts_their_answers(place):
    arguments = prepare(place, script=SCRIPT + 'responder("slow", function(alert) for i = 1, 1e8 do end end)')
    place.policy('flood', 'path "flood" {\n    description = "x"\n    severity = medium\n    on step 1 respond ["slow"]\n'
                 '    openat { pathname startswith "%s/step" }\n    openat { pathname == "/never" }\n}\n' % place.path)
    with open(place.join('config.yaml'), 'a') as f:
        f.write('  queue: 2\n')
    with Daemon(place, *arguments) as daemon:
        for name in ('step1', 'step2', 'step3', 'touched'):
            touch(place, name)
        expect_equal(daemon.wait_alert('mark')['response']['state'], 'answered', 'the state')
        expect_equal([a['type'] for a in daemon.alerts()], ['alert'], 'all that was told')
        expect_in('1 steps asked about, 1 answered, 2 left out', daemon.stop(), 'the summary')


def test_an_alert_is_lost_by_no_end_of_the_process(place):
    with Daemon(place, *prepare(place)) as daemon:
        first = responder(daemon)
        for name in ('slow', '2', '3'):
            touch(place, 'touched-' + name)
        touch(place, 'plain')
        daemon.wait_alert('plain')
        expect_equal([a['policy'] for a in daemon.alerts()], ['plain'], 'what did not wait')
        os.kill(first, signal.SIGKILL)
        for i in range(3):
            expect_equal(daemon.wait_alert('mark', i + 1)['response']['state'], 'lost', 'the state of alert %d' % (i + 1))

        responder(daemon, first)
        end = time.monotonic() + 20
        for n in range(4, 1000):
            touch(place, 'touched-after')
            response = daemon.wait_alert('mark', n)['response']
            if response['state'] != 'down' or time.monotonic() > end:
                break
            time.sleep(0.05)             # it has begun, and reads its scripts
        expect_equal(response['fields'].get('marker'), 'touched-after true', 'the field')
        text = daemon.stop()
        expect_in('3 lost', text, 'the summary')
        expect_in('2 starts', text, 'the summary')


def test_who_is_late_is_told_after_the_alert(place):
    script = SCRIPT.replace('while true do end', 'for i = 1, 2e8 do end')
    with Daemon(place, *prepare(place, '50ms', script)) as daemon:
        begun = time.monotonic()
        touch(place, 'touched-slow')
        alert = daemon.wait_alert('mark')
        expect(time.monotonic() - begun < 2, 'the alert waited for %.1f s' % (time.monotonic() - begun))
        expect_equal(alert['response']['state'], 'late', 'the state')
        answer = wait_response(daemon, 1)
        expect_equal(answer['number'], alert['number'], 'the number')
        expect_equal(answer['response']['fields']['marker'], 'touched-slow true', 'the field')
        daemon.stop()


def test_who_never_ends_costs_his_budget_and_is_not_run_for_a_while(place):
    endless = 'function(alert) pcall(function() while true do end end) end)\n'
    arguments = prepare(place, script='enricher("look", %sresponder("mark", %s' % (endless, endless))
    place.write('config.yaml', (CONFIG % '10s').replace('10000000000', '100000') + 'control:\n  bus: no\n')
    os.makedirs(place.join('run'), exist_ok=True)
    with Daemon(place, *arguments, wrapper=('env', 'RUNTIME_DIRECTORY=' + place.join('run'))) as daemon:
        for n, error in (1, 'are used up'), (2, 'are used up'), (3, 'it is suspended'):
            touch(place, 'touched')
            response = daemon.wait_alert('mark', n)['response']
            expect_equal(response['state'], 'answered', 'the state')
            expect_in(error, response['errors'][0]['error'], 'the error of alert %d' % n)
        status = run(EXECRAYCTL, 'status', '--socket', place.join('run/control'))[1].decode()
        expect_in("mark.lua' has used up its budget too often and is not run for", status, 'the status')
        daemon.stop()


def test_scripts_are_loaded_all_or_nothing(place):
    arguments = prepare(place)
    with Daemon(place, *arguments) as daemon:
        place.write('lua/mark.lua', SCRIPT + 'local function\n')
        text = daemon.reload()
        expect_in('Not reloaded', text, 'the log')
        expect_in('mark.lua:11:', text, 'the log')
        touch(place, 'touched')
        expect_equal(daemon.wait_alert('mark')['response']['state'], 'answered', 'the state')

        place.write('lua/mark.lua', SCRIPT.replace('"yes"', '"better"'))
        expect_in('Reloaded', daemon.reload(), 'the log')
        touch(place, 'touched')
        expect_equal(daemon.wait_alert('mark', 2)['response']['fields']['looked'], 'better', 'the field')

        place.policy('mark', (POLICY % {'place': place.path}).replace('    respond = ["look", "mark $p"]\n', ''))
        expect_in('Reloaded', daemon.reload(), 'the log')
        touch(place, 'touched')
        expect('response' not in daemon.wait_alert('mark', 3), 'an alert without responders was asked about')

        place.write('lua/mark.lua', SCRIPT.replace('"look"', '"other"'))
        place.policy('mark', POLICY % {'place': place.path})
        expect_in("no script has 'look', which a policy names", daemon.reload(), 'the log')
        daemon.stop()

    place.policy('mark', POLICY % {'place': place.path})
    place.write('lua/mark.lua', 'this is not Lua')
    _, _, errors = run(EXECRAYD, '--policies', place.policies, *arguments, status=6)
    expect_in('mark.lua:1:', errors.decode(), 'the message')


if __name__ == '__main__':
    main(globals())
