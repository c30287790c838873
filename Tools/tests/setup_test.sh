#!/usr/bin/env bash
# Checks what the set-up says when something is missing, and that an interrupted or failed run leaves
# nothing half done. Each case runs the real script in a throw-away checkout with a PATH that holds
# only what the case allows, so that nothing is installed and nothing is fetched.
set -euo pipefail

tools=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
cases=0

# The commands the scripts may use anywhere; what a case is about is added as a fake.
base=(bash sh env cat cmp dirname rm mkdir mktemp mv ln readlink head tail sed sort awk grep uname df id cp kill)

begin() { # begin NAME: a fresh checkout with everything in place and faked
    name=$1
    cases=$((cases + 1))
    root=$work/$cases
    bin=$root/bin
    mkdir -p "$bin" "$root/Tools"
    cp "$tools"/setup.sh "$tools"/link-engines.sh "$tools"/oracle.sh "$tools"/unpack-wheel.py "$tools"/versions.env \
        "$root/Tools/"
    local command
    for command in "${base[@]}"; do
        ln -s "$(type -P "$command")" "$bin/$command"
    done
    fake uname 'case $1 in -s) echo Linux ;; -m) echo x86_64 ;; esac'
    fake id 'echo 1000'
    fake swift 'echo "Swift version 6.3.1 (swift-6.3.1-RELEASE)"'
    fake clang++ 'exit 0'
    fake pkg-config 'exit 0'
    fake espeak-ng 'exit 0'
    fake apt-get 'echo "apt-get ran" >&2; exit 1'
    fake_python 'exit 0'
}

fake() { # fake COMMAND SCRIPT
    rm -f "$bin/$1"
    printf '#!%s/bash\n%s\n' "$bin" "$2" >"$bin/$1"
    chmod +x "$bin/$1"
}

# fake_python PIP: a python3 whose `-m pip` is the script PIP and which otherwise is the real one.
real_python=$(python3 -c 'import sys; print(sys.executable)')
fake_python() {
    fake python3 "if [ \"\${1-}\" = -m ] && [ \"\${2-}\" = pip ]; then $1; fi
exec '$real_python' \"\$@\""
}

# What a faked `pip download` does: writes a small wheel with the layout of the real one.
fake_wheels() {
    cat >"$root/wheel.py" <<'PYTHON'
import os, sys, zipfile
arguments = sys.argv[1:]
folder = arguments[arguments.index("--dest") + 1]
engine = arguments[-1].split("==")[0]
cuda = os.path.exists(os.path.join(os.path.dirname(os.path.abspath(__file__)), "with-cuda"))
members = {
    "torch": ["torch.dist-info/METADATA", *(["torch/lib/libtorch_cuda.so"] if cuda else []),
              "torch/lib/libtorch_cpu.so", "torch/lib/libc10.so", "torch/lib/libgomp.so.1",
              "torch/lib/libtorch_python.so", "torch/include/ATen/ATen.h", "torch/__init__.py"],
    "cuda-toolkit[cudart,cupti]": ["nvidia/cu13/lib/libcudart.so.13", "nvidia/cu13/lib/libcupti.so.13",
                                   "nvidia/cu13/lib/libnvperf_host.so"],
    "onnxruntime": ["onnxruntime/capi/libonnxruntime.so.1.31.1", "onnxruntime/__init__.py"],
}[engine]
with zipfile.ZipFile(folder + "/" + engine + ".whl", "w") as archive:
    for member in members:
        archive.writestr(member, "Requires-Dist: cuda-toolkit[cublas,cudart]==13.0.2; x\n")
PYTHON
    fake_python "[ \"\$3\" = --version ] && exit 0; exec '$real_python' '$root/wheel.py' \"\$@\""
}

attempt() { # attempt [VARIABLE=VALUE...]: runs the set-up; its answer is in $output and $status
    status=0
    output=$(cd "$root" && env -i PATH="$bin" HOME="$root" TMPDIR="$root" "$@" \
        "$bin/bash" "$root/Tools/${script:-setup.sh}" 2>&1) || status=$?
}

complain() {
    failures=$((failures + 1))
    printf 'FAILED: %s: %s\n%s\n' "$name" "$1" "$output" | sed '2,$s/^/    | /'
}
expect_failure() { # expect_failure TEXT...: exit code 1 and every text in the answer
    local text
    [ "$status" = 1 ] || complain "exit code $status, expected 1"
    for text in "$@"; do
        case $output in *"$text"*) ;; *) complain "says nothing of '$text'" ;; esac
    done
}
expect_success() { [ "$status" = 0 ] || complain "exit code $status, expected 0"; }
expect() { # expect MESSAGE COMMAND...
    local message=$1
    shift
    "$@" || complain "$message"
}
nothing_partial() { ! compgen -G "$root/.deps/partial-*" >/dev/null; }

begin "unsupported platform"
fake uname 'case $1 in -s) echo Linux ;; -m) echo riscv64 ;; esac'
attempt
expect_failure "unsupported platform Linux riscv64" "x86_64" "macOS"

begin "no Swift"
rm "$bin/swift"
attempt
expect_failure "no Swift found" "https://www.swift.org/install" "6.2"

begin "too old Swift"
fake swift 'echo "Swift version 5.10.1 (swift-5.10.1-RELEASE)"'
attempt
expect_failure "Swift 5.10.1 is too old" "6.2"

begin "no root and a library is missing"
fake pkg-config '[ "$2" != soxr ]'
attempt
expect_failure "system packages are missing" "libsoxr-dev" "sudo apt-get install -y libsoxr-dev"

begin "no root and several packages are missing"
rm "$bin/pkg-config" "$bin/espeak-ng"
attempt
expect_failure "sudo apt-get install -y pkg-config libsndfile1-dev libsoxr-dev zlib1g-dev libsentencepiece-dev espeak-ng"

begin "another system than Debian"
rm "$bin/pkg-config" "$bin/apt-get"
attempt
expect_failure "system packages are missing" "Debian's names"

begin "root, and apt-get fails"
fake id 'echo 0'
fake pkg-config '[ "$2" != sndfile ]'
attempt
expect_failure "apt-get ran" "apt-get could not install: libsndfile1-dev"

begin "root installs what is missing"
fake id 'echo 0'
fake pkg-config "[ -e '$root/installed' ]"
fake apt-get "[ \$1 = update ] || : >'$root/installed'"
fake_wheels
attempt
expect_success
expect "the package was not installed" [ -e "$root/installed" ]

begin "no Python"
rm "$bin/python3"
attempt
expect_failure "python3" "sudo apt-get install -y python3 python3-pip"

begin "no pip"
fake_python 'exit 1'
attempt
expect_failure "sudo apt-get install -y python3-pip"

begin "no C++ headers"
fake clang++ 'exit 1'
attempt
expect_failure "sudo apt-get install -y g++"

begin "no disk space"
fake df 'printf "Filesystem 1024-blocks Used Available Capacity Mounted\n/dev/x 9 9 102400 99%% /\n"'
attempt
expect_failure "not enough disk space for LibTorch: 2000 MB needed, 100 MB free"

begin "pip reaches nothing"
fake_python '[ "$3" = --version ] && exit 0; echo "No matching distribution found"; exit 1'
attempt
expect_failure "No matching distribution found" "pip could not download torch==2.13.0" "PIP_INDEX_URL" "PIP_FIND_LINKS"
expect "left a partial folder" nothing_partial
expect "claims to be done" [ ! -e "$root/.deps/state" ]

begin "a damaged wheel"
fake_python '[ "$3" = --version ] && exit 0
while [ "$1" != --dest ]; do shift; done
echo nonsense >"$2/torch.whl"; exit 0'
attempt
expect_failure "not a zip file"
expect "left a partial folder" nothing_partial
expect "unpacked it under its final name" [ ! -e "$root/.deps/libtorch-2.13.0" ]

begin "a LIBTORCH that is none"
mkdir "$root/empty"
attempt LIBTORCH="$root/empty"
expect_failure "$root/empty is not a LibTorch"
attempt LIBTORCH="$root/absent"
expect_failure "LIBTORCH=$root/absent is not a folder"

begin "the whole way, resumed and repeated"
fake_wheels
mkdir -p "$root/.deps/partial-999999999/libtorch"
: >"$root/.deps/partial-999999999/libtorch/half"
attempt
expect_success
release=$root/.build/x86_64-unknown-linux-gnu/release
expect "kept a killed run's folder" nothing_partial
expect "no header" [ -f "$root/.deps/libtorch/include/ATen/ATen.h" ]
expect "no ONNX Runtime link" [ -e "$root/.deps/onnxruntime/lib/libonnxruntime.so.1" ]
expect "unpacked the Python binding" [ ! -e "$root/.deps/libtorch/lib/libtorch_python.so" ]
for library in libtorch_cpu.so libc10.so libgomp.so.1 libonnxruntime.so.1; do
    expect "$library is not beside the binaries" [ -e "$release/$library" ]
done
if grep -E -- '-Wl|-f|-O' "$root/.deps/pkgconfig/colld-libtorch.pc"; then
    complain "pkg-config's answer holds a flag that SwiftPM refuses"
fi
rm "$release/libc10.so"
fake python3 'echo "Python ran again" >&2; exit 1'
attempt
expect_success
expect "the second run was not silent" [ -z "$output" ]
expect "the second run did not mend a link" [ -e "$release/libc10.so" ]

begin "an index that only has a build with CUDA"
fake_wheels
: >"$root/with-cuda"
attempt
expect_success
release=$root/.build/x86_64-unknown-linux-gnu/release
expect "unpacked CUDA's part" [ ! -e "$release/libtorch_cuda.so" ]
for library in libcudart.so.13 libcupti.so.13; do
    expect "$library is not beside the binaries" [ -e "$release/$library" ]
done

begin "another LibTorch, and back"
fake_wheels
attempt
mkdir -p "$root/cuda/lib" "$root/cuda/include/ATen"
: >"$root/cuda/include/ATen/ATen.h"
for library in libtorch_cpu.so libc10.so libtorch_cuda.so libc10_cuda.so; do : >"$root/cuda/lib/$library"; done
attempt LIBTORCH="$root/cuda"
expect_success
release=$root/.build/x86_64-unknown-linux-gnu/release
expect "CUDA's library is not beside the binaries" [ "$release/libtorch_cuda.so" -ef "$root/cuda/lib/libtorch_cuda.so" ]
expect "the old library stayed" [ "$release/libtorch_cpu.so" -ef "$root/cuda/lib/libtorch_cpu.so" ]
attempt
expect_success
expect "CUDA's library stayed" [ ! -e "$release/libtorch_cuda.so" ]
expect "the pinned library is not back" [ "$release/libtorch_cpu.so" -ef "$root/.deps/libtorch-2.13.0/lib/libtorch_cpu.so" ]

begin "the test environment without a fitting Python"
script=oracle.sh
mkdir -p "$root/Tests/Oracle"
: >"$root/Tests/Oracle/requirements.txt"
fake python3 'exit 1'
attempt
expect_failure "no Python from 3.11 to 3.14 found" "ORACLE=none"
script=

if [ "$failures" != 0 ]; then
    echo "setup_test: $failures failures in $cases cases"
    exit 1
fi
echo "setup_test: $cases cases passed"
