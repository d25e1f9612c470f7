#!/usr/bin/env bash
# Usage: check_headers.sh COMPILER INCLUDE_DIR
# Compiles every public header alone, as the first and only thing in a file, with warnings on.
set -euo pipefail
compiler=$1 include_dir=$2
failed=0 checked=0

has_boost() {
  echo '#include <boost/asio.hpp>' | "$compiler" -std=c++20 -E -x c++ - >/dev/null 2>&1
}

while IFS= read -r header; do
  if grep -q '#include <boost/' "$include_dir/$header" && ! has_boost; then
    echo "$header: skipped, Boost is not here"
    continue
  fi
  checked=$((checked + 1))
  if ! printf '#include <%s>\n#include <%s>\n' "$header" "$header" |
    "$compiler" -std=c++20 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror \
      -fsyntax-only -I "$include_dir" -x c++ -; then
    echo "$header does not compile alone" >&2
    failed=$((failed + 1))
  fi
done < <(cd "$include_dir" && find weft -name '*.hpp' | sort)

echo "$compiler: $checked headers, $failed failed"
[[ $checked -gt 0 && $failed -eq 0 ]]
