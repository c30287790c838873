#!/usr/bin/env bash
# Finds or fetches everything the build needs and puts it under .deps/:
#
#   .deps/libtorch-<version>/       lib and include of the `torch` wheel
#   .deps/libtorch                  link to it, or to the folder named by LIBTORCH
#   .deps/onnxruntime-<version>/    lib of the `onnxruntime` wheel
#   .deps/pkgconfig/                what SwiftPM reads to find LibTorch
#
# and links the engines' shared libraries beside the binaries of the build folder. Running it again
# costs a fraction of a second; an interrupted run is simply run again.
#
# Environment: LIBTORCH=<folder with lib and include> uses that LibTorch instead of the pinned one
# (an unzipped LibTorch, or the `torch` folder of an installed wheel, with or without CUDA).
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$root/Tools/versions.env"
deps=$root/.deps

say() { printf 'setup: %s\n' "$*" >&2; }
fail() {
    printf 'setup: error: %s\n' "$1" >&2
    shift
    for line in "$@"; do printf '       %s\n' "$line" >&2; done
    exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

# ---------------------------------------------------------------------------------------- platform

kernel=$(uname -s)
machine=$(uname -m)
case "$kernel-$machine" in
    Linux-x86_64 | Linux-aarch64)
        # pip takes these literally: a newer tag does not include the older ones.
        wheel_platforms=(manylinux2014_$machine)
        for glibc in 28 27 26 25 24 17; do wheel_platforms+=(manylinux_2_${glibc}_$machine); done
        triple=$machine-unknown-linux-gnu
        library_suffix=so
        ;;
    Darwin-arm64)
        wheel_platforms=(macosx_14_0_arm64 macosx_13_0_arm64 macosx_12_0_arm64 macosx_11_0_arm64)
        triple=arm64-apple-macosx
        library_suffix=dylib
        ;;
    *)
        fail "unsupported platform $kernel $machine" \
            "LibTorch $LIBTORCH_VERSION and ONNX Runtime $ONNXRUNTIME_VERSION exist for Linux on x86_64" \
            "and aarch64 (glibc 2.28 or newer) and for macOS on arm64."
        ;;
esac

# ------------------------------------------------------------------------------- the quick way out

libtorch_source=${LIBTORCH:-pinned}
if [ "$libtorch_source" != pinned ]; then
    [ -d "$libtorch_source" ] || fail "LIBTORCH=$libtorch_source is not a folder"
    libtorch_source=$(cd "$libtorch_source" && pwd -P)
    for file in "lib/libtorch_cpu.$library_suffix" "lib/libc10.$library_suffix" include/ATen/ATen.h; do
        [ -e "$libtorch_source/$file" ] || fail "$libtorch_source is not a LibTorch: it has no $file" \
            "LIBTORCH names an unzipped LibTorch or the \`torch\` folder of an installed wheel."
    done
    libtorch_target=$libtorch_source
else
    libtorch_target=libtorch-$LIBTORCH_VERSION
fi
state="1 $LIBTORCH_VERSION $ONNXRUNTIME_VERSION $libtorch_source"

link_engines() {
    local configuration
    for configuration in debug release; do
        "$root/Tools/link-engines.sh" "$root/.build/$triple/$configuration"
    done
}

if [ -f "$deps/state" ] && [ "$(cat "$deps/state")" = "$state" ] \
    && [ -e "$deps/libtorch/lib/libtorch_cpu.$library_suffix" ] \
    && [ -d "$deps/libtorch/include/ATen" ] \
    && [ -d "$deps/onnxruntime/lib" ] \
    && have swift && have pkg-config && pkg-config --exists sndfile soxr zlib sentencepiece; then
    link_engines
    exit 0
fi

# --------------------------------------------------------------------------------- Swift, C and C++

have swift || fail "no Swift found" \
    "Install Swift $SWIFT_MINIMUM or newer (swiftly is the usual way: https://www.swift.org/install)," \
    "and make sure that \`swift\` is on PATH."
swift_version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9][0-9.]*\).*/\1/p' | head -n 1)
[ -n "$swift_version" ] || fail "\`swift --version\` did not say which version it is"
older() { # older A B: is version A older than version B?
    [ "$1" != "$2" ] && [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]
}
if older "$swift_version" "$SWIFT_MINIMUM"; then
    fail "Swift $swift_version is too old: this package needs $SWIFT_MINIMUM or newer" \
        "Install a newer one (https://www.swift.org/install) and put it first on PATH."
fi

# -------------------------------------------------------------------------------- system packages

missing=()
optional=()
find_missing() {
    missing=()
    optional=()
    if [ "$kernel" = Darwin ]; then
        have pkg-config || missing+=(pkgconf)
        have pkg-config && pkg-config --exists sndfile || missing+=(libsndfile)
        have pkg-config && pkg-config --exists soxr || missing+=(libsoxr)
        have pkg-config && pkg-config --exists zlib || missing+=(zlib)
        have pkg-config && pkg-config --exists sentencepiece || missing+=(sentencepiece)
        have espeak-ng || optional+=(espeak-ng)
    else
        have pkg-config || missing+=(pkg-config)
        have pkg-config && pkg-config --exists sndfile || missing+=(libsndfile1-dev)
        have pkg-config && pkg-config --exists soxr || missing+=(libsoxr-dev)
        have pkg-config && pkg-config --exists zlib || missing+=(zlib1g-dev)
        have pkg-config && pkg-config --exists sentencepiece || missing+=(libsentencepiece-dev)
        has_cxx_headers || missing+=(g++)
        have python3 || missing+=(python3)
        has_pip || missing+=(python3-pip)
        have espeak-ng || optional+=(espeak-ng)
    fi
}
has_pip() { have python3 && python3 -m pip --version >/dev/null 2>&1; }
has_cxx_headers() {
    # Swift's own Clang compiles the shim, with the system's C++ headers.
    local compiler
    compiler=$(dirname "$(command -v swift)")/clang++
    [ -x "$compiler" ] || compiler=clang++
    have "$compiler" || return 1
    "$compiler" -x c++ -std=c++20 -fsyntax-only - 2>/dev/null <<<'#include <vector>'
}

find_missing
if [ ${#missing[@]} -gt 0 ] || [ ${#optional[@]} -gt 0 ]; then
    wanted=(${missing[@]+"${missing[@]}"} ${optional[@]+"${optional[@]}"})
    if [ "$kernel" = Linux ] && have apt-get && [ "$(id -u)" = 0 ]; then
        say "installing ${wanted[*]}"
        export DEBIAN_FRONTEND=noninteractive
        log=$(mktemp)
        if ! { apt-get update -q && apt-get install -q -y --no-install-recommends "${wanted[@]}"; } \
            >"$log" 2>&1 </dev/null; then
            tail -n 15 "$log" >&2
            rm -f "$log"
            fail "apt-get could not install: ${wanted[*]}" "Its last lines are above."
        fi
        rm -f "$log"
        find_missing
    fi
fi
if [ ${#missing[@]} -gt 0 ]; then
    wanted=("${missing[@]}" ${optional[@]+"${optional[@]}"})
    if [ "$kernel" = Darwin ]; then
        fail "system packages are missing: ${missing[*]}" "Install them:  brew install ${wanted[*]}"
    elif have apt-get; then
        fail "system packages are missing, and only root may install them: ${missing[*]}" \
            "Run once:  sudo apt-get install -y ${wanted[*]}" "then this command again."
    else
        fail "system packages are missing: ${missing[*]}" \
            "These are Debian's names; install what your system calls them, then run this again."
    fi
fi
if [ ${#optional[@]} -gt 0 ]; then
    say "espeak-ng is missing: everything builds, but \`colld data synthesize\` and \`make demo\` need it"
fi

# ----------------------------------------------------------------------------------------- engines

mkdir -p "$deps" 2>/dev/null && [ -w "$deps" ] || fail "cannot write to $deps"

# What a killed run left half done.
for stale in "$deps"/partial-*; do
    [ -d "$stale" ] || continue
    kill -0 "${stale##*-}" 2>/dev/null || rm -rf "$stale"
done
partial=$deps/partial-$$
trap 'rm -rf "$partial"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

need_space() { # need_space MEGABYTES WHAT
    local free
    free=$(df -Pk "$deps" | awk 'NR == 2 { print int($4 / 1024) }')
    [ "$free" -ge "$1" ] || fail "not enough disk space for $2: $1 MB needed, $free MB free in $deps"
}

requirements() { # what of the arguments is no option
    local argument names=()
    for argument in "$@"; do [ "${argument#--}" != "$argument" ] || names+=("$argument"); done
    printf '%s' "${names[*]}"
}

# fetch_wheels FOLDER [--no-deps] REQUIREMENT...: for this platform, whichever Python runs.
fetch_wheels() {
    local folder=$1 options=() platform log=$partial/pip.log
    shift
    for platform in "${wheel_platforms[@]}"; do options+=(--platform "$platform"); done
    mkdir -p "$folder"
    say "fetching $(requirements "$@")"
    if ! python3 -m pip download --quiet --disable-pip-version-check \
        --only-binary=:all: --python-version "$WHEEL_PYTHON" --implementation cp \
        "${options[@]}" --dest "$folder" "$@" >"$log" 2>&1 </dev/null; then
        tail -n 8 "$log" >&2
        fail "pip could not download $(requirements "$@") (its last lines are above)" \
            "It needs a package index it can reach, or a folder of wheels: set PIP_INDEX_URL, or" \
            "PIP_FIND_LINKS to a folder that holds the wheel. What was fetched already is kept."
    fi
}

unpack_wheels() { python3 "$root/Tools/unpack-wheel.py" "$@"; }

if [ "$libtorch_source" = pinned ] && [ ! -d "$deps/$libtorch_target" ]; then
    need_space 2000 "LibTorch"
    # Without its dependencies: those are Python packages, and of a build with CUDA gigabytes of it.
    fetch_wheels "$partial/torch" --no-deps "torch==$LIBTORCH_VERSION"
    say "unpacking LibTorch $LIBTORCH_VERSION"
    unpack_wheels "$partial/torch" "$partial/libtorch" torch >"$partial/requirements"
    if [ -s "$partial/requirements" ]; then
        cuda=()
        while read -r requirement; do cuda+=("$requirement"); done <"$partial/requirements"
        fetch_wheels "$partial/cuda" "${cuda[@]}"
        unpack_wheels "$partial/cuda" "$partial/libtorch" cuda
    fi
    mv "$partial/libtorch" "$deps/$libtorch_target"
    rm -rf "$partial/torch" "$partial/cuda"
fi

onnxruntime_target=onnxruntime-$ONNXRUNTIME_VERSION
if [ ! -d "$deps/$onnxruntime_target" ]; then
    need_space 300 "ONNX Runtime"
    fetch_wheels "$partial/onnxruntime-wheel" --no-deps "onnxruntime==$ONNXRUNTIME_VERSION"
    say "unpacking ONNX Runtime $ONNXRUNTIME_VERSION"
    unpack_wheels "$partial/onnxruntime-wheel" "$partial/onnxruntime" onnxruntime
    mv "$partial/onnxruntime" "$deps/$onnxruntime_target"
fi

# ------------------------------------------------------------------- links and pkg-config's answer

relink() { # relink TARGET LINK: replaces a link in one step
    [ "$(readlink "$2" 2>/dev/null || true)" = "$1" ] && return
    rm -f "$2"
    ln -s "$1" "$2"
}
relink "$libtorch_target" "$deps/libtorch"
relink "$onnxruntime_target" "$deps/onnxruntime"

# Only flags that SwiftPM accepts from pkg-config: -I, -L and -l. The libraries are found at run
# time through the links beside the binary, which searches its own folder.
mkdir -p "$deps/pkgconfig" "$partial"
cat >"$partial/colld-libtorch.pc" <<PC
prefix=\${pcfiledir}/../libtorch

Name: colld-libtorch
Description: LibTorch as this project links it
Version: $LIBTORCH_VERSION
Cflags: -I\${prefix}/include -I\${prefix}/include/torch/csrc/api/include
Libs: -L\${prefix}/lib -ltorch_cpu -lc10
PC
if ! cmp -s "$partial/colld-libtorch.pc" "$deps/pkgconfig/colld-libtorch.pc"; then
    mv "$partial/colld-libtorch.pc" "$deps/pkgconfig/colld-libtorch.pc"
fi

link_engines
printf '%s\n' "$state" >"$partial/state"
mv "$partial/state" "$deps/state"
say "ready (Swift $swift_version, LibTorch in .deps/libtorch, ONNX Runtime $ONNXRUNTIME_VERSION)"
