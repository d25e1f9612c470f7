// What must not drift: operations whose instructions, allocations and bytes are counted exactly.
//
// A row is an operation that is done n times. What one costs is the difference between doing it 2n
// and n times, divided by n: starts, ends and warm caches cancel. Instructions are counted by
// callgrind, which is told by gate_mark() where a run begins and ends; gate.py does the sums.
#pragma once

#include <cstddef>
#include <cstdint>

#include <weft/weft.hpp>

namespace gate {

/// Does the operation n times.
using body = void (*)(std::int64_t n);

/// Makes an operation known. `times`: how often it is done in the shorter run.
struct row {
  row(const char* name, body run, std::int64_t times = 1'000);
};

/// Makes a type or a block known whose bytes are looked at.
struct size {
  size(const char* name, std::size_t bytes);
  /// What `make` asks for in all, once it has been called before.
  size(const char* name, void (*make)());
};

/// What has been asked of operator new and of malloc, by the library and by this program.
struct allocated {
  std::int64_t times;
  std::int64_t bytes;
};
allocated allocated_so_far() noexcept;

/// The program ends with a message if an operation did not do what it is counted for.
void expect_equal(std::int64_t got, std::int64_t wanted, const char* what);

}  // namespace gate
