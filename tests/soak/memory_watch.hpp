// Whether memory grows from round to round: the least of the latest rounds against the most of the
// first ones. Caches that fill at first, and rounds that are larger than others, are no growth.
#pragma once

#include <array>
#include <cstddef>

namespace soak {

struct memory_use {
  std::size_t resident = 0;   // bytes
  std::size_t allocated = 0;  // bytes in use by malloc; 0: not known
};

memory_use memory_now();

class memory_watch {
 public:
  /// Call it after every round. Returns: whether it has grown; told once.
  bool grows(const memory_use& now);

 private:
  static constexpr std::size_t window = 64;
  static constexpr std::size_t settled_after = 600;

  bool exceeds(std::size_t memory_use::*what, std::size_t slack) const;

  std::array<memory_use, window> latest_{};
  memory_use most_at_first_;
  std::size_t rounds_ = 0;
  bool told_ = false;
};

}  // namespace soak
