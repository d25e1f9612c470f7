#!/usr/bin/env bash
# Usage: run.sh SOURCE_DIR BINARY_DIR COMPILER EMULATOR. Status 77: a tool is missing.
set -euo pipefail
source_dir=$1 binary_dir=$2 compiler=$3 emulator=$4

for tool in "$compiler" "$emulator"; do
  if [[ ! -x $tool ]]; then
    echo "skipped: needs aarch64-linux-gnu-g++ and qemu-aarch64" \
         "(Debian: g++-aarch64-linux-gnu, qemu-user)"
    exit 77
  fi
done

for level in -O0 -O2 -O3; do
  program=$binary_dir/aarch64_context_test$level
  "$compiler" -std=c++20 "$level" -fno-omit-frame-pointer -static \
    -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror \
    -I "$source_dir/src" "$source_dir/tests/aarch64/context_test.cpp" -o "$program"
  "$emulator" "$program"
done
