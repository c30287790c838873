"""Unpacks the shared libraries and headers of an engine's wheel, and nothing else of it.

    unpack-wheel.py FOLDER TARGET torch|onnxruntime|cuda

FOLDER holds the wheel (of CUDA, the wheels). TARGET gets `lib`, `include` where there is one, and
`licenses`. Where the torch wheel is a build with CUDA, only its CPU part is taken; that part still wants
CUDA's small runtime libraries, and the requirement that has them is printed, one per line.
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
    "cuda": [
        (r"nvidia/[^/]+/lib/(libcu(?:dart|pti)\.so\.[0-9]+)$", r"lib/\1"),
    ],
}
CUDA_PART = r"torch/lib/lib[^/]*(?:cuda|nvrtc|nvshmem)"
LICENCES = (r"[^/]+\.dist-info/(?:licenses/)?((?:LICENSE|NOTICE|ThirdParty)[^/]*)$", r"licenses/\1")


def unpack(wheel, target, patterns):
    count = 0
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.infolist():
            if member.is_dir() or re.match(CUDA_PART, member.filename):
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
                count += 1
                break
    return count


def cuda_requirements(wheel):
    """What holds the CUDA libraries that the CPU part of a build with CUDA is linked with."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        if not any(re.match(CUDA_PART, name) for name in names):
            return []
        metadata = [name for name in names if name.endswith(".dist-info/METADATA")][0]
        text = archive.read(metadata).decode("utf-8")
    found = []
    for name, version in re.findall(r"^Requires-Dist: ([\w.-]+)(?:\[[^]]*\])?==([\w.]+)", text, re.M):
        if name == "cuda-toolkit":
            found.append("cuda-toolkit[cudart,cupti]==" + version)
        elif re.match(r"nvidia-cuda-(runtime|cupti)", name):
            found.append(name + "==" + version)
    return found


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
    wheels = sorted(name for name in os.listdir(folder) if name.endswith(".whl"))
    if not wheels or (engine != "cuda" and len(wheels) > 1):
        sys.exit("unpack-wheel: expected one wheel in %s, found %d" % (folder, len(wheels)))
    count = 0
    for name in wheels:
        try:
            count += unpack(os.path.join(folder, name), target, WANTED[engine])
        except zipfile.BadZipFile as error:
            sys.exit("unpack-wheel: %s: %s" % (name, error))
    if count == 0 or not os.path.isdir(os.path.join(target, "lib")):
        sys.exit("unpack-wheel: %s holds no libraries of %s" % (", ".join(wheels), engine))
    if engine == "torch":
        for requirement in cuda_requirements(os.path.join(folder, wheels[0])):
            print(requirement)
    if engine == "onnxruntime":
        name_onnxruntime(os.path.join(target, "lib"))


main()
