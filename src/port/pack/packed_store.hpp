// Rooms for the bytes of packed stacks: size classes of 64 bytes, in mappings of their own.
//
// Not malloc's: a room is given back in a signal handler, and the search for lost goroutines must
// be able to leave these bytes out. A chunk in which nothing is left gives its memory back.
// Threads: one at a time, with signals blocked; the lock of packed_pages.
// Tested by: tests/unit/port/pack/packed_pages_test.cpp
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "port/trace/process_memory.hpp"

namespace weft::detail {

class packed_store {
 public:
  static constexpr std::size_t room_bytes_max = 3136;

  /// Null: no memory. Aligned to 16.
  void* take(std::size_t bytes) noexcept;
  void give_back(void* room) noexcept;

  /// The mappings, of which there are `count`.
  std::size_t mapping_count() const noexcept { return mappings_made_; }
  address_span mapping(std::size_t i) const noexcept;

 private:
  static constexpr std::size_t class_bytes = 64;
  static constexpr std::size_t class_count = room_bytes_max / class_bytes + 1;
  static constexpr std::size_t chunk_bytes = std::size_t{64} << 10;
  static constexpr std::size_t mapping_bytes = std::size_t{16} << 20;
  static constexpr std::size_t mappings_max = 4096;

  struct chunk {
    chunk* next;  // of those with room, or of the unused ones
    chunk* previous;
    void* free;  // rooms that were given back, linked through their first word
    std::uint32_t room_bytes;
    std::uint32_t fresh;  // where the rooms begin that were never given out
    std::uint32_t used;
    bool listed;
  };

  chunk* take_chunk(std::size_t size_class) noexcept;
  bool map_more() noexcept;
  void list(chunk& c) noexcept;
  void unlist(chunk& c) noexcept;
  static chunk& chunk_of(void* room) noexcept;

  std::array<chunk*, class_count> with_room_{};
  chunk* unused_ = nullptr;
  std::byte* left_ = nullptr;  // of the newest mapping
  std::size_t left_bytes_ = 0;
  std::array<std::byte*, mappings_max> mappings_{};
  std::size_t mappings_made_ = 0;
};

}  // namespace weft::detail
