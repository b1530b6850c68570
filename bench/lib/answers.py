# SPDX-License-Identifier: Apache-2.0
"""How soon something is done about a story: by a script, and by the daemon where the kernel could not know yet."""
import os, re

from common import Daemon, key_values, run

CONFIG = '''response:
  enforce: yes
  rate_process: 100000
  storm: 100000
control:
  bus: no
'''
SCRIPT = '''responder("answer", function(alert)
    execray.action("signal", {process = alert.target, signal = "CONT"})
end)
'''
# What the daemon says of it, and how tests find the sentence in its sources.
ANSWERED = r'(\d+) answered \((\d+) within 5 ms, slowest ([^)]*)\)'
KILLED = r'was killed ([0-9.]+) ms after its last step'
MARK = {'response/response.c': 'within 5 ms', 'app/manager-late.c': 'ms after its last step'}
POLICIES = {
    'respond': 'path "bench_respond" {\n    severity = low\n    suppress = 0s\n    respond = ["answer"]\n'
               '    openat { pathname == "%s" }\n}\n',
    'late': 'path "bench_late" {\n    severity = low\n    suppress = 0s\n    by = process\n    enforce = kill\n'
            '    openat { pathname == "%s" }\n    connect { daddr == 127.9.8.7 }\n}\n',
}


def prepare(place, what):
    folder = os.path.join(place, what)
    os.makedirs(os.path.join(folder, 'lua'))
    os.makedirs(os.path.join(folder, 'policies'))
    for name, text in (('config.yaml', CONFIG), ('lua/answer.lua', SCRIPT), ('watched', ''),
                       ('policies/answer.policy', POLICIES[what] % (folder + '/watched'))):
        with open(os.path.join(folder, name), 'w') as f:
            f.write(text)
    return folder


def ask(build, place, what, n):
    """What the load says, and what the daemon said at its end."""
    folder = prepare(place, what)
    d = Daemon(os.path.join(build, 'daemon', 'app', 'execrayd'), [folder + '/policies'],
               extra=['--config', folder + '/config.yaml', '--scripts', folder + '/lua'])
    try:
        result = run([os.path.join(build, 'bench', 'bench-live'), what, folder, str(n)], 60 + 6 * n)
    finally:
        text = d.stop()
    if result.returncode != 0:
        raise RuntimeError(result.stderr.strip()[-300:])
    return key_values(result.stdout), text


def in_ms(found, key, out, name):
    for part in ('p50', 'p95', 'p99', 'max'):
        if '%s_us_%s' % (key, part) in found:
            out['%s_ms_%s' % (name, part)] = found['%s_us_%s' % (key, part)] / 1000


def answers(build, quick, folder, out, problems):
    found, text = ask(build, folder, 'respond', 20 if quick else 1000)
    out['responses_missed'] = found['responses_missed']
    in_ms(found, 'response', out, 'response')
    fast = re.search(ANSWERED, text)
    if fast:
        out['response_answered'], out['response_within_5ms'] = float(fast.group(1)), float(fast.group(2))
        problems.append('the longest from an alert to its answer took ' + fast.group(3))
    else:
        problems.append('the daemon does not say how many answers were fast')

    found, text = ask(build, folder, 'late', 20 if quick else 300)
    for key in ('killed_at_once', 'killed_late', 'kills_missed'):
        out[key] = found[key]
    in_ms(found, 'late_kill', out, 'late_kill_end')
    took = sorted(float(word) for word in re.findall(KILLED, text))
    if took:
        out['late_kill_ms_p50'], out['late_kill_ms_p99'] = took[len(took) // 2], took[len(took) - 1 - len(took) // 100]
    else:
        problems.append('nobody was killed late')
