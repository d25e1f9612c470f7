// The memory of this process, as the kernel lists and reads it.
//
// Threads: any; one object by one at a time.
// Tested by: tests/unit/port/process_memory_test.cpp
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>
#include <utility>

namespace weft::detail {

/// Memory of its own mapping: it can be told from the program's, and nothing of it stays behind.
class mapped_room {
 public:
  mapped_room() noexcept = default;
  /// Throws: std::bad_alloc.
  explicit mapped_room(std::size_t bytes);
  mapped_room(mapped_room&& other) noexcept
      : low_(std::exchange(other.low_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  mapped_room& operator=(mapped_room&& other) noexcept {
    std::swap(low_, other.low_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~mapped_room();

  std::byte* low() const noexcept { return low_; }
  std::size_t bytes() const noexcept { return bytes_; }

 private:
  std::byte* low_ = nullptr;
  std::size_t bytes_ = 0;
};

/// A vector in a mapped room.
template <class T>
class mapped_table {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  /// Throws: std::bad_alloc.
  void push_back(const T& value) {
    if ((count_ + 1) * sizeof(T) > room_.bytes()) grow();
    ::new (static_cast<void*>(room_.low() + count_ * sizeof(T))) T(value);
    ++count_;
  }
  T pop_back() noexcept { return begin()[--count_]; }
  // Safety: push_back() has constructed `count_` of them there.
  T* begin() noexcept { return reinterpret_cast<T*>(room_.low()); }
  T* end() noexcept { return begin() + count_; }
  const T* begin() const noexcept { return reinterpret_cast<const T*>(room_.low()); }
  const T* end() const noexcept { return begin() + count_; }
  T& operator[](std::size_t i) noexcept { return begin()[i]; }
  const T& operator[](std::size_t i) const noexcept { return begin()[i]; }
  std::size_t size() const noexcept { return count_; }
  bool empty() const noexcept { return count_ == 0; }
  const mapped_room& room() const noexcept { return room_; }
  /// Throws: std::bad_alloc.
  void reserve(std::size_t count) {
    while (count * sizeof(T) > room_.bytes()) grow();
  }

 private:
  void grow() {
    constexpr std::size_t least = std::size_t{64} << 10;
    mapped_room larger(room_.bytes() == 0 ? least : 2 * room_.bytes());
    for (std::size_t i = 0; i < count_; ++i)
      ::new (static_cast<void*>(larger.low() + i * sizeof(T))) T(begin()[i]);
    room_ = std::move(larger);
  }

  mapped_room room_;
  std::size_t count_ = 0;
};

struct address_span {
  std::uintptr_t low = 0;
  std::uintptr_t high = 0;
};

/// Reads through the kernel, so that no page that is missing does harm.
class process_memory {
 public:
  process_memory() noexcept;
  process_memory(const process_memory&) = delete;
  process_memory& operator=(const process_memory&) = delete;
  ~process_memory();

  explicit operator bool() const noexcept { return fd_ >= 0; }
  /// Returns: how many bytes could be read.
  std::size_t read(void* to, std::uintptr_t from, std::size_t bytes) const noexcept;

  /// Everything in which the program can keep a pointer: what it can write, and what it could
  /// before. In the order of addresses. False: the kernel does not say, or a device is mapped.
  /// Throws: std::bad_alloc.
  [[nodiscard]] static bool list_keeping(mapped_table<address_span>& to);

 private:
  int fd_;
};

}  // namespace weft::detail
