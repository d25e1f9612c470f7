#!/usr/bin/env bash
# Usage: check_embedded.sh SOURCE_DIR CONSUMER_DIR COMPILER CMAKE GENERATOR
# Builds a project that has weft as a subdirectory, as a shared library.
set -euo pipefail
source_dir=$1 consumer_dir=$2 compiler=$3 cmake=$4 generator=$5

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

"$cmake" -G "$generator" -S "$consumer_dir" -B "$place/build" -DCMAKE_CXX_COMPILER="$compiler" \
  -DWEFT_SOURCE_DIR="$source_dir" -DBUILD_SHARED_LIBS=ON >/dev/null
if "$cmake" --build "$place/build" --target help | grep -qE '(unit|stress|tour|bench)'; then
  echo "an embedded weft must bring no tests, examples or benchmarks of its own" >&2
  exit 1
fi
"$cmake" --build "$place/build" --parallel 2 | tail -3
find "$place/build" -name 'libweft.so*' | grep -q . || { echo "no shared library" >&2; exit 1; }
"$place/build/consumer"
