#!/usr/bin/env bash
# Compiles the library's sources and the tests that an optimiser could break, with the same flags
# and link-time optimisation, and runs them as they are and with forced migration.
# Arguments: the compiler, the source tree, a folder for the results, the libraries to link.
# WEFT_HAZARD_LEVEL: the optimisation, -O3 if it is not set.
set -euo pipefail

compiler=$1 tree=$2 place=$3
shift 3
level=${WEFT_HAZARD_LEVEL:--O3}
mkdir -p "$place"

flags=(-std=c++20 "$level" -flto -fstack-clash-protection -pthread -w
  -I"$tree/include" -I"$tree/src" -I"$tree/tests/support")
echo 'int main() {}' >"$place/probe.cpp"
if ! "$compiler" "${flags[@]}" "$place/probe.cpp" -o "$place/probe" 2>/dev/null; then
  echo "$compiler cannot link with -flto here"
  exit 77
fi

(cd "$tree/src" && find . -name '*.cpp' | sort | sed 's|^\./\(.*\)|#include "\1"|') \
  >"$place/weft.cpp"
tests=("$tree"/tests/hazards/{thread_local,exception,no_park}_test.cpp)
"$compiler" "${flags[@]}" "$place/weft.cpp" "${tests[@]}" -o "$place/hazards_lto" "$@" -ldl

for migrate in 0 1; do
  echo "== WEFT_FORCE_MIGRATE=$migrate"
  WEFT_FORCE_MIGRATE=$migrate timeout 250 "$place/hazards_lto" --gtest_brief=1
done
