#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Put the text of a manual page together: a page here, with the documents that it names in {{ }} in their places.

usage: page.py PAGE DOCS        writes Markdown to standard output, for lowdown

A document loses its title, which the page's own heading stands for, and what is marked by comments for other readers. Links to
documents that are pages too become the names of these pages; others are told by their text.
"""

import pathlib
import re
import sys

PAGES = {'TOOLS.md': '**execrayctl**(1)',
         'LANGUAGE.md': '**execray.policy**(5)', 'SEMANTICS.md': '**execray.semantics**(7)', 'EVENTS.md': '**execray.events**(7)',
         'RESPONSES.md': '**execray-lua**(7)', 'CONFIGURATION.md': '**execrayd.yaml**(5)'}


def resolve(match):
    text, target = match.group(1), match.group(2)
    return PAGES.get(target.partition('#')[0], text)


def plain(text):
    """Links and names of documents as a page says them; examples stay as they are."""
    text = re.sub(r'\[([^\]]+)\]\(([^)\s]+)\)', resolve, text)
    return re.sub(r'(?<![\w/`])(' + '|'.join(map(re.escape, PAGES)) + r')\b', lambda m: PAGES[m.group(1)], text)


def document(path):
    out, fenced = [], False
    for line in path.read_text(encoding='utf-8').splitlines():
        if line.startswith('```'):
            fenced = not fenced
            out.append('```')
        elif fenced:
            out.append(line)
        elif not line.startswith(('# ', '<!--')):
            out.append(plain(line))
    return '\n'.join(out)


def main():
    page, docs = map(pathlib.Path, sys.argv[1:3])
    print(re.sub(r'^\{\{(.+)\}\}$', lambda m: document(docs / m.group(1)), page.read_text(encoding='utf-8'), flags=re.MULTILINE))


if __name__ == '__main__':
    main()
