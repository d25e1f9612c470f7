// What the bodies in weft share.
#pragma once

#include <weft/weft.hpp>

#include "harness.hpp"
#include "work.hpp"

namespace bench {

using numbers = weft::chan<std::int64_t>;

/// Calls f(0), f(1), ... in n goroutines at once, and waits for them.
template <class F>
void together(std::int64_t n, const F& f) {
  const weft::wait_group all;
  for (std::int64_t i = 0; i < n; ++i) all.go([&f, i] { f(i); });
  all.wait();
}

/// The status for main of a program whose bodies run in a goroutine.
inline int run_in_goroutine(const options& o) {
  weft::set_max_procs(o.procs);
  return run_all(o, "weft " + std::to_string(WEFT_VERSION), [](const auto& f) { weft::run(f); });
}

}  // namespace bench
