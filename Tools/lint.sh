#!/usr/bin/env bash
# What `make lint` checks: Swift formatting, the syntax of scripts, and the set-up's messages.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

echo "swift format"
swift format lint --strict --parallel --recursive Package.swift Sources Tests

echo "scripts"
for script in Tools/*.sh Tools/*/*.sh .ci/run; do bash -n "$script"; done
python3 - Tools/*.py Tools/*/*.py Tests/*/*.py <<'PYTHON'
import sys
for path in sys.argv[1:]:
    with open(path, encoding="utf-8") as file:
        compile(file.read(), path, "exec")
PYTHON

echo "set-up"
Tools/tests/setup_test.sh
