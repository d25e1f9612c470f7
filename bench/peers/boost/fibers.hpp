// What the bodies in Boost.Fiber share. They do the work of bench/micro under the same names.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include <boost/context/stack_context.hpp>
#include <boost/fiber/all.hpp>

#include "harness.hpp"
#include "work.hpp"

namespace bench {

namespace fibers = boost::fibers;

/// Stacks of 16 KiB out of large mappings, kept for the next fiber: a fresh mapping for each, which
/// is what Boost does, costs microseconds, and a million of them is more than the kernel allows.
class pooled_stack {
 public:
  boost::context::stack_context allocate();
  void deallocate(boost::context::stack_context& stack) noexcept;
};

/// A fiber that is queued, not run at once.
template <class F>
fibers::fiber start(F&& f) {
  return fibers::fiber(fibers::launch::post, std::allocator_arg, pooled_stack(),
                       std::forward<F>(f));
}

/// A fiber that runs at once; its maker waits.
template <class F>
fibers::fiber start_at_once(F&& f) {
  return fibers::fiber(fibers::launch::dispatch, std::allocator_arg, pooled_stack(),
                       std::forward<F>(f));
}

/// Calls f(0), f(1), ... in n fibers at once, and waits for them.
template <class F>
void together(std::int64_t n, const F& f) {
  std::vector<fibers::fiber> all;
  all.reserve(static_cast<std::size_t>(n));
  for (std::int64_t i = 0; i < n; ++i) all.push_back(start([&f, i] { f(i); }));
  for (fibers::fiber& each : all) each.join();
}

using unbuffered = fibers::unbuffered_channel<std::int64_t>;
/// Capacities are powers of two here, of which one place stays empty.
using buffered = fibers::buffered_channel<std::int64_t>;

/// Runs the known benchmarks on as many threads as `o` asks for.
int run_in_fiber(const options& o);

inline std::int64_t sum_below(std::int64_t n) { return n * (n - 1) / 2; }

}  // namespace bench
