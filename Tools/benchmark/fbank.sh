#!/usr/bin/env bash
# Times the filterbank of the command and that of kaldi-native-fbank over the same recordings, one thread
# each and in turns, and compares what they compute. Fails where the command is slower or further
# away than the marks of the tests allow.
#
#   fbank.sh [ROUNDS]      (default 3)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

OMP_NUM_THREADS=1 exec .oracle/bin/python Tools/benchmark/fbank.py --rounds "${1:-3}"
