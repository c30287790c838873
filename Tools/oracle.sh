#!/usr/bin/env bash
# Makes .oracle/, the Python environment the tests compare with: the exact versions that
# Tests/Oracle/requirements.txt names. Nothing that is built or installed uses it.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
requirements=$root/Tests/Oracle/requirements.txt
oracle=$root/.oracle

say() { printf 'oracle: %s\n' "$*" >&2; }
fail() {
    printf 'oracle: error: %s\n' "$1" >&2
    shift
    for line in "$@"; do printf '        %s\n' "$line" >&2; done
    exit 1
}

# The copy of the requirements is written last: it marks a complete environment.
if cmp -s "$requirements" "$oracle/requirements.txt" && "$oracle/bin/python" -c '' 2>/dev/null; then
    exit 0
fi

without="The tests run without it too: make test ORACLE=none"
python=
for candidate in python3 python3.11 python3.12 python3.13 python3.14; do
    if command -v "$candidate" >/dev/null 2>&1 \
        && "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))'; then
        python=$candidate
        break
    fi
done
[ -n "$python" ] || fail "no Python from 3.11 to 3.14 found" "Install one. $without"

free=$(df -Pk "$root" | awk 'NR == 2 { print int($4 / 1024) }')
[ "$free" -ge 3000 ] || fail "not enough disk space: 3000 MB needed, $free MB free in $root" "$without"

say "making the Python environment (a minute or two)"
rm -rf "$oracle"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! "$python" -m venv "$oracle" >"$log" 2>&1; then
    if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
        { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y python3-venv; } \
            >"$log" 2>&1 </dev/null || true
    fi
    rm -rf "$oracle"
    if ! "$python" -m venv "$oracle" >"$log" 2>&1; then
        tail -n 5 "$log" >&2
        fail "$python cannot make virtual environments" \
            "Run once:  sudo apt-get install -y python3-venv" "$without"
    fi
fi
if ! "$oracle/bin/python" -m pip install --quiet --disable-pip-version-check \
    -r "$requirements" >"$log" 2>&1 </dev/null; then
    tail -n 8 "$log" >&2
    fail "pip could not install Tests/Oracle/requirements.txt (its last lines are above)" "$without"
fi
cp "$requirements" "$oracle/requirements.txt"
say "ready"
