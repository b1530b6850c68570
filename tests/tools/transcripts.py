#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Does the command-line tool say what it is written down to say, to the letter?

A transcript is a text with lines `$ COMMAND`, each followed by all that the command prints (standard output and error) and, if it is
not 0, by its exit status in brackets: `[1]`. Everything before the first `$` and every line `## ...` is a remark. Commands are run
by sh, one after the other, in a copy of the folder that the transcript is in; `execrayctl` is the one that was built.

In a page (`*.md`) the blocks marked `console` are transcripts, run in a copy of tests/tools/page; one marked `console again` goes on in
the folder of the block before it.

usage: transcripts.py [--update] EXECRAYCTL ROOT FILE...        exit status 1 and the differences; with --update write them
"""

import difflib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile


def run(command, folder, execrayctl):
    environment = {'PATH': f'{folder}/.bin:/usr/bin:/bin', 'LC_ALL': 'C', 'TZ': 'UTC'}
    done = subprocess.run(['/bin/sh', '-c', command], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=60)
    text = done.stdout.decode('utf-8', errors='backslashreplace')
    if text and not text.endswith('\n'):
        text += '\\ no line end\n'
    if done.returncode != 0:
        text += f'[{done.returncode}]\n'
    return text


def prepare(place, source, execrayctl):
    folder = pathlib.Path(place) / 'work'
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(source, folder, symlinks=True)
    (folder / '.bin').mkdir()
    os.symlink(execrayctl, folder / '.bin' / 'execrayctl')
    os.symlink(pathlib.Path(__file__).resolve().parents[2] / 'lua', folder / '.lua')
    return folder


def play(text, folder, execrayctl):
    """The transcript as it really comes out."""
    out = []
    n = 0
    skipping = False
    for line in text.splitlines(keepends=True):
        if line.startswith('$ '):
            command = line[2:]
            skipping = True
            n += 1
            out.append(line)
            out.append(run(command, folder, execrayctl))
        elif line.startswith('## ') or not skipping:
            out.append(line)
    return ''.join(out), n


def play_page(have, source, execrayctl):
    n = 0
    with tempfile.TemporaryDirectory() as place:
        folder = None

        def block(match):
            nonlocal folder, n
            if not folder or not match[1].endswith('again\n'):
                folder = prepare(place, source, execrayctl)
            text, commands = play(match[2], folder, execrayctl)
            n += commands
            return match[1] + text + match[3]
        return re.sub(r'^(```console(?: again)?\n)(.*?)^(```)$', block, have, flags=re.M | re.S), n


def main():
    arguments = sys.argv[1:]
    update = arguments[:1] == ['--update']
    if update:
        arguments = arguments[1:]
    if len(arguments) < 3:
        sys.exit(__doc__)
    execrayctl, root = pathlib.Path(arguments[0]).resolve(), pathlib.Path(arguments[1])
    faults = n = 0
    for name in arguments[2:]:
        path = pathlib.Path(name)
        have = path.read_text(encoding='utf-8')
        if path.suffix == '.md':
            want, commands = play_page(have, root / 'tests' / 'tools' / 'page', execrayctl)
        else:
            with tempfile.TemporaryDirectory() as place:
                want, commands = play(have, prepare(place, path.parent, execrayctl), execrayctl)
        n += commands
        if want == have:
            continue
        faults += 1
        if update:
            path.write_text(want, encoding='utf-8')
            print(f'{path} updated')
        else:
            sys.stdout.writelines(difflib.unified_diff(have.splitlines(keepends=True), want.splitlines(keepends=True),
                                                       f'{path}: as written', f'{path}: as it comes out'))
    print(f'{n} commands, {faults} transcripts differ')
    return 1 if n == 0 or (faults and not update) else 0


if __name__ == '__main__':
    sys.exit(main())
