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

echo "fixtures"
python3 - Tests/Fixtures <<'PYTHON'
import hashlib
import json
import pathlib
import sys

root = pathlib.Path(sys.argv[1])
listed = json.loads((root / "manifest.json").read_text())["files"]
found = {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
         for part in ("models", "features", "losses", "text", "fairseq", "sentencepiece", "translation") for path in (root / part).rglob("*") if path.is_file()}
wrong = sorted(name for name in listed.keys() | found.keys() if listed.get(name) != found.get(name))
for name in wrong:
    print(f"Tests/Fixtures/{name}: not as manifest.json says")
sys.exit(bool(wrong))
PYTHON
