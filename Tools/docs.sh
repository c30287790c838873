#!/usr/bin/env bash
# Builds the documentation of the named targets with DocC; a warning is an error. The manifest adds
# the DocC plugin only under COLLD_DOCS, so that whoever uses the package does not fetch it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export COLLD_DOCS=1
options=()
for target in "$@"; do options+=(--target "$target"); done
swift package --scratch-path .build-docs generate-documentation "${options[@]}" --warnings-as-errors
echo "Documentation: .build-docs/plugins/Swift-DocC/outputs"
