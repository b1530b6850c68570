#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""frames.py OBJECT: no program needs more stack, through all that it calls, than Linux 6.1 allows.
frames.py --list OBJECT: what each needs, and through which functions.

The verifier adds up the frames of each chain of calls, each rounded up to 32 bytes (newer kernels: to 16), callbacks of
bpf_loop() among them, and refuses more than 512 bytes or 8 functions. How much of its frame a function uses is found as
the verifier does: the lowest byte below r10 that some pointer can lead to."""
import struct
import sys

MAX_STACK, MAX_FRAMES, ROUND = 512, 8, 32
MAX_TAIL_STACK = 256                    # below a function that jumps to another program
STT_FUNC, STT_SECTION = 2, 3
R_BPF_64_64, R_BPF_64_32 = 1, 10
TAIL_CALL = 12                          # enum bpf_func_id
FRAME = 10                              # the register


class Object:
    """Functions of an ELF file: {name: [(opcode, dst, src, offset, immediate, function called or None)]}."""

    def __init__(self, data):
        if data[:6] != b'\x7fELF\x02\x01':
            sys.exit('not an object of 64 bits, low byte first')
        offset, = struct.unpack_from('<Q', data, 40)
        size, count, names = struct.unpack_from('<HHH', data, 58)
        sections = [struct.unpack_from('<IIQQQQIIQQ', data, offset + i * size) for i in range(count)]
        table = next(i for i, section in enumerate(sections) if section[1] == 2)
        self.symbols = []
        strings = sections[sections[table][6]][4]
        for at in range(sections[table][4], sections[table][4] + sections[table][5], 24):
            name, info, _, section, value, length = struct.unpack_from('<IBBHQQ', data, at)
            text = data[strings + name:data.index(b'\0', strings + name)].decode()
            self.symbols.append((text, info & 15, section, value, length))
        self.starts = {(section, value): name for name, kind, section, value, _ in self.symbols if kind == STT_FUNC}
        relocations = {}
        for section in sections:
            if section[1] == 9:         # SHT_REL
                for at in range(section[4], section[4] + section[5], 16):
                    where, what = struct.unpack_from('<QQ', data, at)
                    relocations[section[7], where] = what & 0xffffffff, self.symbols[what >> 32]
        self.functions, self.programs = {}, []
        text = [i for i, section in enumerate(sections) if section[0] and self.name(data, sections, names, i) == '.text']
        for name, kind, section, value, length in self.symbols:
            if kind == STT_FUNC and section:
                body = [struct.unpack_from('<BBhi', data, sections[section][4] + value + at) for at in range(0, length, 8)]
                self.functions[name] = [self.decode(body[i], relocations.get((section, value + 8 * i)), section, value + 8 * i)
                                        for i in range(len(body))]
                if section not in text:
                    self.programs.append(name)

    @staticmethod
    def name(data, sections, names, i):
        at = sections[names][4] + sections[i][0]
        return data[at:data.index(b'\0', at)].decode()

    def decode(self, instruction, relocation, section, at):
        opcode, registers, offset, immediate = instruction
        target = None
        if opcode == 0x85 and registers >> 4 == 1:      # a call of a function of ours
            if not relocation:
                target = self.starts[section, at + 8 * (immediate + 1)]
            elif relocation[1][1] == STT_SECTION:
                target = self.starts[relocation[1][2], 8 * (immediate + 1)]
            elif relocation[1][2]:
                target = relocation[1][0]
        elif opcode == 0x18 and relocation:             # the address of a function, for a helper to call
            _, kind, where, value, _ = relocation[1]
            target = self.starts.get((where, immediate if kind == STT_SECTION else value))
        return opcode, registers & 15, registers >> 4, offset, immediate, target


def stack_of(body):
    """Bytes of its frame that a function uses."""
    deepest = 0
    states = {0: {FRAME: frozenset([0])}}               # pointers into the frame, by register, before an instruction
    work = [0]
    while work:
        at = work.pop()
        opcode, dst, src, offset, immediate, _ = body[at]
        state, kind, following = dict(states[at]), opcode & 7, [at + 1]
        if kind in (1, 2, 3):                           # load, store
            for base in state.get(src if kind == 1 else dst, ()):
                deepest = max(deepest, -(base + offset))
            if kind == 1:
                state.pop(dst, None)
        elif opcode == 0xbf and src in state:
            state[dst] = state[src]
        elif opcode == 0x07 and dst in state:
            state[dst] = frozenset(base + immediate for base in state[dst] if abs(base + immediate) <= MAX_STACK)
            deepest = max([deepest] + [-base for base in state[dst]])
        elif opcode == 0x18:
            state.pop(dst, None)
            following = [at + 2]
        elif kind in (4, 7):
            state.pop(dst, None)
        elif opcode == 0x85:
            for register in range(6):
                state.pop(register, None)
        elif opcode == 0x95:
            following = []
        elif opcode == 0x05:
            following = [at + 1 + offset]
        elif opcode == 0x06:
            following = [at + 1 + immediate]
        elif kind in (5, 6):
            following = [at + 1, at + 1 + offset]
        for to in following:
            old = states.get(to)
            merged = {register: state.get(register, frozenset()) | (old or {}).get(register, frozenset())
                      for register in {*state, *(old or {})}}
            if merged != old:
                states[to] = merged
                work.append(to)
    return (deepest + 7) & ~7


def chains(functions):
    """For each function what it and the deepest of those that it calls need: (bytes, names), and (frames, names)."""
    deepest, longest = {}, {}

    def visit(name, above=()):
        if name in above:
            sys.exit('%s calls itself' % name)
        if name not in deepest:
            own = max(1, stack_of(functions[name]))
            called = {target for *_, target in functions[name] if target and target in functions}
            for target in sorted(called):
                visit(target, above + (name,))
            deepest[name] = max([(own + ROUND - 1) // ROUND * ROUND + deepest[target][0], (name,) + deepest[target][1]]
                                for target in called) if called else [(own + ROUND - 1) // ROUND * ROUND, (name,)]
            longest[name] = max([1 + longest[target][0], (name,) + longest[target][1]]
                                for target in called) if called else [1, (name,)]

    for name in functions:
        visit(name)
    return deepest, longest


def main():
    everything = sys.argv[1:2] == ['--list']
    with open(sys.argv[-1], 'rb') as f:
        object_ = Object(f.read())
    deepest, longest = chains(object_.functions)
    wrong = 0
    if not object_.programs:
        sys.exit('no programs')
    for name in sorted(object_.programs, key=lambda name: -deepest[name][0]):
        if deepest[name][0] > MAX_STACK:
            print('%s: %d bytes of stack: %s' % (name, deepest[name][0], ' '.join(
                '%s:%d' % (part, stack_of(object_.functions[part])) for part in deepest[name][1])))
            wrong += 1
        elif everything:
            print('%s %d %d %s' % (name, deepest[name][0], longest[name][0], ' '.join(
                '%s:%d' % (part, stack_of(object_.functions[part])) for part in deepest[name][1])))
        if longest[name][0] > MAX_FRAMES:
            print('%s: %d functions deep: %s' % (name, longest[name][0], ' '.join(longest[name][1])))
            wrong += 1
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())
