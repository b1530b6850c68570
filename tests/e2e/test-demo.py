#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""./run --demo shows an alert and ends with 0, and with 1 and an explanation where none comes."""
import os

from harness import EXECRAYD, ROOT, expect, expect_equal, expect_in, main, run

PLAY = os.path.join(ROOT, 'demo', 'play')


def leftovers():
    return [n for n in os.listdir('/tmp') if n.startswith('execray-demo-')]


def test_the_demo_shows_its_alert(place):
    before = leftovers()
    # A copy that is root's own, as ./run makes one of a checkout that belongs to somebody else.
    for name in ('policies', 'demo'):
        run('cp', '-R', os.path.join(ROOT, name), place.join('copy-' + name), status=0)
        run('chmod', '-R', 'go-w', place.join('copy-' + name), status=0)
    _, out, _ = run(PLAY, EXECRAYD, place.join('copy-policies'), place.join('copy-demo', 'demo.policy'), status=0)
    expect_in(b'HIGH demo_dropped_and_run', out, 'what the demo shows')
    for step in (b'  1  +0.000  openat', b'  2  ', b'chmod', b'  3  ', b'execve', b'  4  ', b'unlink'):
        expect_in(step, out, 'what the demo shows')
    expect_in(b'watched for', out, 'what the demo shows')
    expect_equal(leftovers(), before, 'files left behind')


def test_without_its_alert_the_demo_explains_and_fails(place):
    policy = place.write('other.policy', 'path "other" {\n    description = "x"\n    severity = low\n    unlink { pathname == "/x" }\n}\n')
    place.policy('stock', 'path "stock" {\n    description = "x"\n    severity = low\n    unlink { pathname == "/y" }\n}\n')
    _, _, err = run(PLAY, EXECRAYD, place.policies, policy, status=1)
    expect_in(b'no alert within', err, 'the explanation')

    _, _, err = run(PLAY, EXECRAYD, place.policies, place.join('nowhere'), status=1)
    expect_in(b'did not start', err, 'the explanation')
    expect(b'nowhere' in err, 'the reason is shown: %r' % err)


if __name__ == '__main__':
    main(globals())
