#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""costs.py TABLE: the table of recorded costs as initializers of C.
costs.py --update TABLE < OUTPUT: record the lines `cost ...` that test-bpf-cost wrote with LAB_COSTS=1, on whatever kernels.

A kernel on a machine whose costs are in OUTPUT is recorded anew, whole; the others stay."""
import argparse
import re
import sys

HEAD = """# Instructions that the verifier looked at, and run time in multiples of an empty program, for each program, machine and kernel.
# Made by costs.py --update; test-bpf-cost compares. Time is not recorded of emulated kernels.
# program\tmachine\tkernel\tinstructions\ttimes
"""


def read(path):
    rows = []
    with open(path) as f:
        for number, line in enumerate(f, 1):
            if line.startswith('#') or not line.strip():
                continue
            fields = line.rstrip('\n').split('\t')
            if len(fields) != 5 or not fields[3].isdigit() or not re.fullmatch(r'-|[\d.]+', fields[4]):
                sys.exit('%s:%d: not a cost: %s' % (path, number, line.strip()))
            rows.append(tuple(fields))
    return rows


def kernel_key(kernel):
    return [int(number) for number in re.findall(r'\d+', kernel)]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--update', action='store_true')
    parser.add_argument('table')
    options = parser.parse_args()

    rows = read(options.table)
    if not options.update:
        for program, machine, kernel, instructions, times in rows:
            print('{"%s", "%s", "%s", %s, %s},' % (program, machine, kernel, instructions, '0' if times == '-' else times))
        return
    new = {}
    for line in sys.stdin:
        found = re.search(r'\bcost\t(\w+)\t(\w+)\t(\S+)\t(\d+)\t(-|[\d.]+)\t', line)
        if found:
            new[found.group(1, 2, 3)] = found.groups()
    if not new:
        sys.exit('no costs in the input')
    kernels = {key[1:] for key in new}
    rows = [row for row in rows if row[1:3] not in kernels] + list(new.values())
    rows.sort(key=lambda row: (row[0], row[1] != 'x86_64', row[1], kernel_key(row[2])))
    with open(options.table, 'w') as f:
        f.write(HEAD + ''.join('\t'.join(row) + '\n' for row in rows))
    print('%d costs of %s' % (len(new), ', '.join('%s on %s' % (kernel, machine) for machine, kernel in sorted(kernels))))


if __name__ == '__main__':
    main()
