#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The one law of the house: a file includes its own room, and rooms on strictly lower floors. docs/ARCHITECTURE.md says why.

usage: floors.py ROOT CHECK         exit status 1 and the places if there are any

CHECK is one of
  plan        no check: print the floors, the rooms and who sees whom
  floors      own room or strictly lower floors; siblings do not see each other
  private     a header named *-private.h is included in its own room only
  libraries   the header of a library is included in that library's home only
  wire        bpf/wire.h, the format that kernel and daemon share, is known to event and capture only,
              bpf/filter-table.h and bpf/enforce.h to capture
"""

import pathlib
import re
import sys

FLOORS = [
    ['base'],
    ['event', 'config', 'metrics', 'governor'],
    ['program', 'process', 'capture', 'story'],
    ['policy'],                 # above program: a policy's words (severity, key, subject) mean what program.h says
    ['compile', 'engine'],
    ['report', 'control', 'import', 'rehearsal'],
    ['action'],                 # above report: what leaves the host is redacted
    ['script'],                 # above action: what scripts ask for is given as actions take it
    ['response', 'pipeline'],
    ['app', 'cli'],
]
FLOOR_OF = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}

# Header of a library -> where it may be included: a room, or the beginning of a path below daemon/.
LIBRARIES = {
    r'bpf/.*': ['capture/'],
    r'yaml\.h': ['config/'],
    r'jansson\.h': ['capture/container-file.c', 'report/alert-record.c', 'script/script-value.c'],
    r'pcre2\.h': ['program/regex.'],
    r'curl/.*': ['action/post.c'],
    r'(lua|lualib|lauxlib)\.h': ['script/'],
    r'systemd/sd-journal\.h': ['report/'],
    r'systemd/sd-bus.*\.h': ['capture/bus', 'control/', 'action/systemd', 'app/', 'cli/'],
    r'systemd/sd-event\.h': ['capture/', 'control/', 'action/', 'response/', 'app/', 'cli/'],
    r'systemd/sd-daemon\.h': ['app/'],
    r'systemd/sd-id128\.h': ['report/', 'control/', 'app/', 'cli/'],
}
WIRE_ROOMS = ['event', 'capture']

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)


class Include:
    def __init__(self, path, line, system, name):
        self.path = path            # of the including file, below daemon/
        self.room = path.parts[0]
        self.line = line
        self.system = system        # <...>
        self.name = name
        parts = name.split('/')
        self.target = parts[0] if len(parts) == 2 and parts[0] in FLOOR_OF and not system else None

    def __str__(self):
        return f'daemon/{self.path}:{self.line}'


def includes(root):
    house = root / 'daemon'
    for path in sorted(house.rglob('*')):
        if path.suffix not in ('.c', '.h', '.def') or len(path.relative_to(house).parts) < 2:
            continue
        text = path.read_text(encoding='utf-8')
        for match in INCLUDE.finditer(text):
            line = text.count('\n', 0, match.start()) + 1
            yield Include(path.relative_to(house), line, match[1] == '<', match[2])


def check_floors(all_includes):
    for i in all_includes:
        if i.room not in FLOOR_OF:
            yield f'daemon/{i.path}: room {i.room} is on no floor: add it to FLOORS in tests/lint/floors.py'
        elif i.target and i.target != i.room and FLOOR_OF[i.target] >= FLOOR_OF[i.room]:
            where = 'a room on the same floor' if FLOOR_OF[i.target] == FLOOR_OF[i.room] else 'a higher floor'
            yield f'{i}: {i.room} (F{FLOOR_OF[i.room]}) includes {i.name} of {where} (F{FLOOR_OF[i.target]})'
        elif not i.system and not i.target and not known_elsewhere(i.name):
            yield f'{i}: "{i.name}" names no room: write "room/file.h"'


def known_elsewhere(name):
    return name in ('wire.h', 'filter-table.h', 'enforce.h') or name.endswith('.skel.h')


def check_private(all_includes):
    for i in all_includes:
        if i.name.endswith('-private.h') and i.target != i.room:
            yield f'{i}: {i.name} is private to its room'


def check_libraries(all_includes):
    for i in all_includes:
        for pattern, homes in LIBRARIES.items():
            if i.system and re.fullmatch(pattern, i.name) and not any(str(i.path).startswith(home) for home in homes):
                yield f'{i}: <{i.name}> belongs in {", ".join(homes)}'


def check_wire(all_includes):
    for i in all_includes:
        if i.name in ('wire.h', 'bpf/wire.h') and i.room not in WIRE_ROOMS:
            yield f'{i}: the wire format is known to {" and ".join(WIRE_ROOMS)} only'
        elif i.name in ('filter-table.h', 'bpf/filter-table.h', 'enforce.h') and i.room != 'capture':
            yield f'{i}: the tables of the filter are known to capture only'


def plan(all_includes):
    seen = {}
    for i in all_includes:
        if i.target and i.target != i.room:
            seen.setdefault(i.room, set()).add(i.target)
    for floor in reversed(range(len(FLOORS))):
        print(f'F{floor}')
        for room in FLOORS[floor]:
            below = sorted(seen.get(room, ()), key=lambda r: (FLOOR_OF[r], r))
            print(f'    {room:<10} {("sees " + " ".join(below)) if below else ""}'.rstrip())


CHECKS = {'floors': check_floors, 'private': check_private, 'libraries': check_libraries, 'wire': check_wire}


def main():
    if len(sys.argv) != 3 or sys.argv[2] not in [*CHECKS, 'plan']:
        sys.exit(__doc__)
    all_includes = list(includes(pathlib.Path(sys.argv[1])))
    if not all_includes:
        sys.exit('no includes found: is this the root of the project?')
    if sys.argv[2] == 'plan':
        plan(all_includes)
        return 0

    found = list(CHECKS[sys.argv[2]](all_includes))
    for line in found:
        print(line)
    print(f'{len(all_includes)} includes, {len(found)} against the law')
    if sys.argv[2] == 'floors':
        plan(all_includes)
    return 1 if found else 0


if __name__ == '__main__':
    sys.exit(main())
