"""Replaces the run-time library search path of a 64-bit little-endian ELF file, in place.

    set-runpath.py FILE PATH

PATH may not be longer than what it replaces. Standard library only.
"""

import struct
import sys

PT_LOAD, PT_DYNAMIC = 1, 2
DT_NULL, DT_STRTAB, DT_RPATH, DT_RUNPATH = 0, 5, 15, 29


def fail(path, message):
    sys.exit("set-runpath: %s: %s" % (path, message))


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    path, wanted = sys.argv[1], sys.argv[2].encode()
    with open(path, "r+b") as file:
        data = file.read()
        if data[:6] != b"\x7fELF\x02\x01":
            fail(path, "not a 64-bit little-endian ELF file")
        table, = struct.unpack_from("<Q", data, 32)
        size, count = struct.unpack_from("<HH", data, 54)
        # (type, file offset, address, bytes in the file) of each segment
        segments = []
        for index in range(count):
            kind, _, offset, address, _, length = struct.unpack_from("<IIQQQQ", data, table + index * size)
            segments.append((kind, offset, address, length))
        dynamic = [s for s in segments if s[0] == PT_DYNAMIC]
        if not dynamic:
            fail(path, "it is linked statically")
        entries = {}
        for position in range(dynamic[0][1], dynamic[0][1] + dynamic[0][3], 16):
            tag, value = struct.unpack_from("<QQ", data, position)
            if tag == DT_NULL:
                break
            entries[tag] = value
        tag = DT_RUNPATH if DT_RUNPATH in entries else DT_RPATH
        if tag not in entries:
            fail(path, "it has no search path to replace")
        strings = entries[DT_STRTAB]
        for kind, offset, address, length in segments:
            if kind == PT_LOAD and address <= strings < address + length:
                start = strings - address + offset + entries[tag]
                break
        else:
            fail(path, "its string table is in no segment")
        end = data.index(b"\0", start)
        if end - start < len(wanted):
            fail(path, "the path %r leaves no room for %r" % (data[start:end].decode(), sys.argv[2]))
        file.seek(start)
        file.write(wanted.ljust(end - start, b"\0"))


main()
