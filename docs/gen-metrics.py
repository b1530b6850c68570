#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Print docs/METRICS.md: the words are here, the tables are those of daemon/app/metrics.def and health.def.

usage: gen-metrics.py ROOT"""
import pathlib
import re
import sys

HEAD = '''# Metrics

Made of `daemon/app/metrics.def` and `health.def` by `docs/gen-metrics.py` (`ninja update-metrics`).

Nothing listens by default. `metrics.listen: socket` in the configuration has the daemon answer HTTP on `/run/execrayd/metrics`, for root and
members of group `execray`; `metrics.listen: loopback` on `127.0.0.1:9469` (`metrics.port`), for everybody on this host. The service has no
network of its own, so for the second it needs a drop-in (`systemctl edit execrayd`):

    [Service]
    PrivateNetwork=no
    RestrictAddressFamilies=AF_UNIX AF_INET
    IPAddressAllow=localhost

| path | answer |
|---|---|
| `/metrics` | everything below, in the text format of Prometheus (0.0.4) |
| `/healthz` | one word, the health; status 200, or 503 if it is `failing` |

    curl --unix-socket /run/execrayd/metrics http://localhost/metrics

The same numbers come over the bus (`GetMetrics`, [BUS.md](BUS.md)), without any of this. The numbers are
counted anyway; reading them takes turns with events. There are at most 8 readers at a time, and who takes longer than 10 s is cut off.

## Health

What `execrayctl status`, `/healthz`, `execray_health` and the property `Health` say. What was missed counts for ten minutes.

'''


def unquote(s):
    return ''.join(re.findall(r'"((?:[^"\\]|\\.)*)"', s))


def entries(path):
    """(word, arguments) of each entry; arguments are split at commas outside of brackets and strings."""
    text = re.sub(r'/\*.*?\*/', '', path.read_text(encoding='utf-8'), flags=re.DOTALL)
    for match in re.finditer(r'^([A-Z_]+)\((.*?)\)\s*$', text, re.MULTILINE | re.DOTALL):
        yield match[1], [a for a in re.findall(r'(?:"(?:[^"\\]|\\.)*"\s*)+|[^,"]+', match[2]) if a.strip()]


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    app = pathlib.Path(sys.argv[1]) / 'daemon' / 'app'
    out = [HEAD + '| health | reason | what it is |', '|---|---|---|', '| `healthy` | | all is well |']
    for _, a in entries(app / 'health.def'):
        out.append('| `%s` | `%s` | %s |' % (a[1].strip().lower(), unquote(a[3]), unquote(a[4])))
    out += ['', '## All of them', '', '| metric | labels | type | what it is |', '|---|---|---|---|']
    for word, a in entries(app / 'metrics.def'):
        strings = [unquote(s) for s in a if s.strip().startswith('"')]
        kind = 'counter' if word == 'METRIC_LOST' else a[0].strip().lower()
        labels = {'METRIC': '', 'METRIC_EACH': '`kind`', 'METRIC_LOST': '`kind` `reason`', 'METRIC_POLICY': '`policy` `severity`'}[word]
        out.append('| `%s` | %s | %s | %s |' % (strings[0], labels, kind, strings[-1]))
    out.append('| `execray_late_kill_seconds` | `le` | histogram | From the last step of a story to the signal, of those killed late (`enforce`). Not over the bus. |')
    out.append('| `execray_latency_seconds` | `le` | histogram | From the hook in the kernel to the engine, of one event in 16; '
               'with the governor on (`performance.governor`). Not over the bus. |')
    out += ['', 'Series of kinds that no policy looks at are left out; of more than 4096 series those of the last policies are, and the log says so.']
    print('\n'.join(out))


if __name__ == '__main__':
    main()
