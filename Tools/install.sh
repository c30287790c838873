#!/usr/bin/env bash
# Installs the built command so that it runs from anywhere, with no Swift and no LD_LIBRARY_PATH:
#
#   install.sh PREFIX
#
#   PREFIX/lib/colld/    the command, LibTorch, ONNX Runtime, Swift's runtime libraries, licences
#   PREFIX/bin/colld     link to it
#
# The folder is made beside and renamed: an interrupted or failed installation leaves the old one.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
fail() {
    printf 'install: error: %s\n' "$*" >&2
    exit 1
}

[ $# -eq 1 ] && [ -n "$1" ] || fail "usage: install.sh PREFIX"
mkdir -p "$1/bin" "$1/lib" 2>/dev/null || fail "cannot write to $1: choose another PREFIX, or be root"
prefix=$(cd "$1" && pwd)
[ -w "$prefix/bin" ] && [ -w "$prefix/lib" ] || fail "cannot write to $prefix: choose another PREFIX, or be root"
build=$(cd "$root/.build/release" && pwd -P)
binary=$build/colld
[ -x "$binary" ] || fail "$binary is missing: run \`make build\` first"

partial=$prefix/lib/colld.partial-$$
trap 'rm -rf "$partial"' EXIT
mkdir "$partial"
shopt -s nullglob

cp "$binary" "$partial/colld"
for bundle in "$build"/*.resources "$build"/*.bundle; do
    case ${bundle##*/} in *Tests.*) continue ;; esac
    cp -R "$bundle" "$partial/"
done
engines=("$build"/*.so "$build"/*.so.* "$build"/*.dylib)
needed=$(du -Lkc "${engines[@]}" | awk 'END { print int($1 / 1024) + 100 }')
free=$(df -Pk "$prefix/lib" | awk 'NR == 2 { print int($4 / 1024) }')
[ "$free" -ge "$needed" ] || fail "not enough disk space: $needed MB needed, $free MB free in $prefix/lib"
for library in "${engines[@]}"; do cp -L "$library" "$partial/"; done

if [ "$(uname -s)" = Linux ]; then
    # Swift has no stable binary interface on Linux: the libraries the command was built with go along,
    # and the search path of the build machine goes out of the command.
    runtime=$(swift -print-target-info \
        | python3 -c 'import json, sys; print(json.load(sys.stdin)["paths"]["runtimeLibraryPaths"][0])')
    ldd "$binary" | awk -v folder="$runtime/" 'index($3, folder) == 1 { print $3 }' \
        | while read -r library; do cp -L "$library" "$partial/"; done
    python3 "$root/Tools/set-runpath.py" "$partial/colld" "\$ORIGIN"
    missing=$(env -u LD_LIBRARY_PATH ldd "$partial/colld" | awk '/not found/ { print $1 }')
    [ -z "$missing" ] || fail "the installed command would not find:" $missing
fi

mkdir "$partial/licenses"
cp "$root/LICENSE" "$partial/licenses/LICENSE"
for engine in libtorch onnxruntime; do
    [ ! -d "$root/.deps/$engine/licenses" ] || cp -RL "$root/.deps/$engine/licenses" "$partial/licenses/$engine"
done
cp "$root/.deps/state" "$partial/engines.txt"

rm -rf "$prefix/lib/colld.old"
[ ! -e "$prefix/lib/colld" ] || mv "$prefix/lib/colld" "$prefix/lib/colld.old"
mv "$partial" "$prefix/lib/colld"
rm -rf "$prefix/lib/colld.old"
ln -sfn ../lib/colld/colld "$prefix/bin/colld"
echo "Installed $prefix/bin/colld"
