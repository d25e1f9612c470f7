// What the kernel knows about a process, and what the programs here do before they begin.
#pragma once

#include <cstdint>
#include <string_view>

namespace net_bench {

/// A process, watched from outside through /proc.
class watched {
 public:
  explicit watched(int pid) : pid_(pid) {}
  /// CPU time of all its threads together. 0 if there is no such process.
  std::int64_t cpu_ns() const;
  /// A field of /proc/PID/status that is counted in kB.
  std::int64_t status_bytes(std::string_view field) const;

 private:
  int pid_;
};

/// Steady clock.
std::int64_t now_ns() noexcept;

/// As many descriptors as the system lets this process have.
void allow_many_descriptors();

/// Prints `text: the reason in errno` and ends the program.
[[noreturn]] void fail(std::string_view text);

}  // namespace net_bench
