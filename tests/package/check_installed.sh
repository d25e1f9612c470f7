#!/usr/bin/env bash
# Usage: check_installed.sh BUILD_DIR CONSUMER_DIR LIBDIR COMPILER CMAKE GENERATOR
# Installs weft, moves the prefix, and builds a project against it with CMake and with pkg-config.
set -euo pipefail
build_dir=$1 consumer_dir=$2 libdir=$3 compiler=$4 cmake=$5 generator=$6
if ! command -v pkg-config >/dev/null; then
  echo "skipped: needs pkg-config"
  exit 77
fi

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

"$cmake" --install "$build_dir" --prefix "$place/first" >/dev/null
for file in "include/weft/weft.hpp" "$libdir/cmake/weft/weft-config.cmake" \
  "$libdir/cmake/weft/weft-config-version.cmake" "$libdir/pkgconfig/weft.pc"; do
  [[ -f $place/first/$file ]] || { echo "not installed: $file" >&2; exit 1; }
done
find "$place/first" -path '*doc*' -name LICENSE | grep -q . ||
  { echo "not installed: LICENSE" >&2; exit 1; }
mv "$place/first" "$place/second"

if grep -rnF --include='*.cmake' --include='*.pc' --include='*.hpp' \
  -e "$place" -e "$build_dir" "$place/second"; then
  echo "the installed files name the place they came from: they cannot be moved" >&2
  exit 1
fi

echo "== CMake"
"$cmake" -G "$generator" -S "$consumer_dir" -B "$place/build" -DCMAKE_CXX_COMPILER="$compiler" \
  -DCMAKE_PREFIX_PATH="$place/second" >/dev/null
"$cmake" --build "$place/build"
"$place/build/consumer"

echo "== pkg-config"
export PKG_CONFIG_PATH=$place/second/$libdir/pkgconfig
read -ra flags <<<"$(pkg-config --cflags --libs weft)"
"$compiler" -std=c++20 "$consumer_dir/main.cpp" -o "$place/consumer" "${flags[@]}"
LD_LIBRARY_PATH=$place/second/$libdir "$place/consumer"
