// Room for a lock and a queue of waiters inside a public object: no heap for those who wait.
#pragma once

#include <cstddef>

namespace weft::detail {

/// Only the compiled half knows what is in it (src/sync/gates); nobody waits in a new one.
class waiting_line {
 public:
  constexpr waiting_line() noexcept = default;
  waiting_line(const waiting_line&) = delete;
  waiting_line& operator=(const waiting_line&) = delete;

  void* room() noexcept { return room_; }
  static constexpr std::size_t bytes = 3 * sizeof(void*);

 private:
  alignas(void*) std::byte room_[bytes]{};
};

}  // namespace weft::detail
