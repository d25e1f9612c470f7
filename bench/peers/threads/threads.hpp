// What the bodies in plain threads share. They do the work of bench/micro under the same names.
#pragma once

#include <thread>
#include <vector>

#include "harness.hpp"
#include "work.hpp"

namespace bench {

/// Calls f(0), f(1), ... in n threads at once, and waits for them.
template <class F>
void together(std::int64_t n, const F& f) {
  std::vector<std::thread> all;
  for (std::int64_t i = 0; i < n; ++i) all.emplace_back([&f, i] { f(i); });
  for (std::thread& each : all) each.join();
}

}  // namespace bench
