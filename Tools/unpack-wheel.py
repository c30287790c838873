"""Unpacks the shared libraries and headers of an engine's wheel, and nothing else of it.

    unpack-wheel.py FOLDER TARGET torch|onnxruntime

FOLDER holds the one wheel. TARGET gets `lib`, `include` where there is one, and `licenses`.
Standard library only, Python 3.8 or newer.
"""

import os
import re
import sys
import zipfile

# For each engine the members that are wanted, as (pattern, place under TARGET). The Python
# binding and the test libraries of the torch wheel stay out: nothing here runs Python.
WANTED = {
    "torch": [
        (r"torch/lib/(?!libtorch_python|lib\w*test)([^/]+\.(?:so|dylib)(?:\.[^/]*)?)$", r"lib/\1"),
        (r"torch/include/(?!pybind11/|google/)(.+)$", r"include/\1"),
        (r"(?:[^/]+\.libs|torch/\.dylibs)/([^/]+)$", r"lib/\1"),
    ],
    "onnxruntime": [
        (r"onnxruntime/capi/(libonnxruntime[^/]*\.(?:so|dylib)(?:\.[^/]*)?)$", r"lib/\1"),
    ],
}
LICENCES = (r"[^/]+\.dist-info/(?:licenses/)?((?:LICENSE|NOTICE|ThirdParty)[^/]*)$", r"licenses/\1")


def unpack(wheel, target, patterns):
    count = 0
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.infolist():
            if member.is_dir():
                continue
            for pattern, place in patterns + [LICENCES]:
                match = re.match(pattern, member.filename)
                if not match:
                    continue
                path = os.path.join(target, match.expand(place))
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with archive.open(member) as source, open(path, "wb") as sink:
                    while True:
                        block = source.read(1 << 20)
                        if not block:
                            break
                        sink.write(block)
                # The wheel's own time: headers that did not change cause no recompilation.
                count += 1
                break
    return count


def name_onnxruntime(library_folder):
    """Links libonnxruntime.so.1 and libonnxruntime.so to the versioned file, as loaders ask."""
    for name in os.listdir(library_folder):
        match = re.match(r"(libonnxruntime\.so)\.(\d+)\.\d", name)
        if match:
            for link in (match.group(1), match.group(1) + "." + match.group(2)):
                os.symlink(name, os.path.join(library_folder, link))
        match = re.match(r"libonnxruntime\.\d[\d.]*\.dylib$", name)
        if match:
            os.symlink(name, os.path.join(library_folder, "libonnxruntime.dylib"))


def main():
    folder, target, engine = sys.argv[1:]
    wheels = [name for name in os.listdir(folder) if name.endswith(".whl")]
    if len(wheels) != 1:
        sys.exit("unpack-wheel: expected one wheel in %s, found %d" % (folder, len(wheels)))
    try:
        count = unpack(os.path.join(folder, wheels[0]), target, WANTED[engine])
    except zipfile.BadZipFile as error:
        sys.exit("unpack-wheel: %s: %s" % (wheels[0], error))
    if count == 0 or not os.path.isdir(os.path.join(target, "lib")):
        sys.exit("unpack-wheel: %s holds no libraries of %s" % (wheels[0], engine))
    if engine == "onnxruntime":
        name_onnxruntime(os.path.join(target, "lib"))


main()
