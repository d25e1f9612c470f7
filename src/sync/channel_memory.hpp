// A channel with its buffer behind it, in one piece of memory.
#pragma once

#include <algorithm>
#include <cstddef>
#include <new>
#include <utility>

#include "sync/channel.hpp"

namespace weft::detail {

struct channel_memory {
  /// Makes a `Channel(ops, capacity, buffer, more...)`, whose constructor must not throw.
  /// Throws: std::length_error, std::bad_alloc.
  template <class Channel, class... More>
  static Channel* make(const element_ops& ops, std::size_t capacity, More&&... more) {
    constexpr std::size_t bytes_max = std::size_t{1} << 47;
    const std::size_t alignment = alignment_of<Channel>(ops);
    const std::size_t offset = (sizeof(Channel) + alignment - 1) / alignment * alignment;
    if (capacity > (bytes_max - offset) / ops.size) channel_size_out_of_range();
    void* memory = allocate(offset + capacity * ops.size, alignment);
    auto* buffer = static_cast<std::byte*>(memory) + offset;
    return ::new (memory) Channel(ops, capacity, buffer, std::forward<More>(more)...);
  }

  template <class Channel>
  static void destroy(Channel* c, const element_ops& ops) noexcept {
    c->~Channel();
    give_back(c, alignment_of<Channel>(ops));
  }

  /// Throws: std::bad_alloc.
  static void* allocate(std::size_t bytes, std::size_t alignment) {
    return is_usual(alignment) ? ::operator new(bytes)
                               : ::operator new(bytes, std::align_val_t{alignment});
  }
  static void give_back(void* memory, std::size_t alignment) noexcept {
    if (is_usual(alignment))
      ::operator delete(memory);
    else
      ::operator delete(memory, std::align_val_t{alignment});
  }

 private:
  static constexpr bool is_usual(std::size_t alignment) noexcept {
    return alignment <= __STDCPP_DEFAULT_NEW_ALIGNMENT__;
  }
  template <class Channel>
  static std::size_t alignment_of(const element_ops& ops) noexcept {
    return std::max(alignof(Channel), ops.alignment);
  }
};

}  // namespace weft::detail
