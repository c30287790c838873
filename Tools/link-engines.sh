#!/usr/bin/env bash
# Links the engines' shared libraries into a folder of binaries, which search their own folder:
#
#   link-engines.sh FOLDER
#
# Takes everything LibTorch loads at run time: its own libraries, with CUDA those too, and beside an
# installed CUDA wheel the folder of NVIDIA's libraries. Links that point elsewhere are replaced.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
folder=$1
mkdir -p "$folder"
shopt -s nullglob

# Resolved, so that the links stay right whatever .deps/libtorch points to later.
libtorch=$(cd "$root/.deps/libtorch" && pwd -P)
onnxruntime=$(cd "$root/.deps/onnxruntime" && pwd -P)

wanted=()
for library in "$libtorch"/lib/*.so "$libtorch"/lib/*.so.* "$libtorch"/lib/*.dylib \
    "$libtorch"/../nvidia/*/lib/*.so.* \
    "$onnxruntime"/lib/*.so.? "$onnxruntime"/lib/*providers*.so "$onnxruntime"/lib/*.dylib; do
    case ${library##*/} in
        libtorch_python* | *test* | libjitbackend* | libbackend_with* | libaoti* | libshm*) continue ;;
    esac
    wanted+=("$library")
done

# A library of another LibTorch must not stay (one with CUDA before one without).
for link in "$folder"/*.so "$folder"/*.so.* "$folder"/*.dylib; do
    [ -L "$link" ] || continue
    keep=no
    for library in "${wanted[@]}"; do
        [ "${link##*/}" = "${library##*/}" ] && [ "$link" -ef "$library" ] && keep=yes && break
    done
    [ "$keep" = yes ] || rm -f "$link"
done
for library in "${wanted[@]}"; do
    [ -L "$folder/${library##*/}" ] || ln -s "$library" "$folder/${library##*/}"
done
