// What all echo servers have in common, so that they do the same.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "process.hpp"

namespace net_bench {

/// Of the buffer that a connection is read into: more than a message, so that one call that brings
/// less has brought all.
inline constexpr std::size_t read_size = 256;

struct server_options {
  int procs = 1;
  int work = 0;
};

inline server_options parse_server_options(int argc, char** argv) {
  server_options o;
  bool right = argc % 2 == 1;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    const int value = std::atoi(argv[i + 1]);
    if (name == "--procs" && value > 0)
      o.procs = value;
    else if (name == "--work" && value >= 0)
      o.work = value;
    else
      right = false;
  }
  if (right) return o;
  std::fputs("usage: [--procs N] [--work K]\n", stderr);
  std::exit(2);
}

/// `thousands` of steps that wait for each other, about a microsecond a thousand. Counted and not
/// timed: what another process takes of the CPU is not work.
inline void compute(int thousands) noexcept {
  std::uint64_t x = 1;
  for (int step = 0; step < thousands * 1000; ++step) x = x * 6364136223846793005U + 1;
  asm volatile("" : : "r"(x));  // somebody wants the result
}

}  // namespace net_bench
