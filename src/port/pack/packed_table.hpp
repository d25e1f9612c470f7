// Which page has its bytes where: open addressing, in 256 parts that grow one by one, so that no
// growth takes long.
//
// Threads: one at a time; the lock of packed_pages. Its memory comes from the system, not from
// malloc: see packed_store.hpp.
// Tested by: tests/unit/port/pack/packed_pages_test.cpp
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace weft::detail {

class packed_table {
 public:
  /// Room for one more. False: no memory.
  [[nodiscard]] bool reserve(std::uintptr_t page) noexcept;
  /// After reserve(), and only if it is not there.
  void insert(std::uintptr_t page, void* record) noexcept;
  /// Null: it is not there.
  void* find(std::uintptr_t page) const noexcept;
  void erase(std::uintptr_t page) noexcept;
  /// Some page that is there; 0: none is. `from` keeps the place where to go on.
  std::uintptr_t any(std::size_t& from) const noexcept;

  static constexpr std::size_t part_count = 256;

 private:
  struct entry {
    std::uintptr_t page;  // 0: free
    void* record;
  };
  struct part {
    entry* entries = nullptr;
    std::size_t capacity = 0;  // a power of two
    std::size_t used = 0;
  };

  static std::size_t hash(std::uintptr_t page) noexcept {
    return static_cast<std::size_t>((page >> 12) * 0x9E37'79B9'7F4A'7C15U);
  }
  static constexpr int part_shift = 56;
  static std::size_t home(const part& p, std::uintptr_t page) noexcept {
    return (hash(page) >> 20) & (p.capacity - 1);
  }
  part& part_of(std::uintptr_t page) noexcept { return parts_[hash(page) >> part_shift]; }
  const part& part_of(std::uintptr_t page) const noexcept {
    return parts_[hash(page) >> part_shift];
  }
  static void put(part& p, std::uintptr_t page, void* record) noexcept;

  std::array<part, part_count> parts_{};
};

}  // namespace weft::detail
