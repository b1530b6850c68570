# SPDX-License-Identifier: Apache-2.0
"""Counters of the processor for one process, where the machine has them (a virtual one often has none)."""
import ctypes, os, platform, struct

SYSCALL = {'x86_64': 298, 'aarch64': 241}
EVENTS = {'cycles': 0, 'instructions': 1, 'cache_references': 2, 'cache_misses': 3}
ATTRIBUTE_BYTES = 64                    # PERF_ATTR_SIZE_VER0
INHERIT = 1 << 1


class Counters:
    """with Counters(pid) as c: ...; c.read() gives {name: count}, empty where there are none."""

    def __init__(self, pid):
        self.fds, self.why = {}, None
        number = SYSCALL.get(platform.machine())
        libc = ctypes.CDLL(None, use_errno=True)
        for name, event in EVENTS.items():
            attribute = ctypes.create_string_buffer(
                struct.pack('IIQQQQQ', 0, ATTRIBUTE_BYTES, event, 0, 0, 0, INHERIT), ATTRIBUTE_BYTES)
            fd = libc.syscall(number, attribute, pid, -1, -1, 0) if number else -1
            if fd < 0:
                self.why = os.strerror(ctypes.get_errno()) if number else 'unknown machine'
            else:
                self.fds[name] = fd

    def read(self):
        return {name: struct.unpack('Q', os.read(fd, 8))[0] for name, fd in self.fds.items()}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for fd in self.fds.values():
            os.close(fd)
