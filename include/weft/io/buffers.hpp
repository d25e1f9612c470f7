#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <iterator>
#include <ranges>
#include <span>
#include <type_traits>

namespace weft {

namespace detail {

template <class T>
concept byte_like =
    std::is_same_v<std::remove_cv_t<T>, std::byte> || std::is_same_v<std::remove_cv_t<T>, char> ||
    std::is_same_v<std::remove_cv_t<T>, unsigned char> || std::is_void_v<T>;

/// Has data() and size(), counted in bytes.
template <class T>
concept one_buffer = requires(const T& b) {
  { b.size() } -> std::convertible_to<std::size_t>;
  requires std::is_pointer_v<decltype(b.data())>;
  requires byte_like<std::remove_pointer_t<decltype(b.data())>>;
};

template <class T>
concept buffer_range = !one_buffer<T> && std::ranges::input_range<const T> &&
                       one_buffer<std::ranges::range_value_t<const T>>;

template <class T>
concept yields_const = std::is_const_v<std::remove_pointer_t<decltype(std::declval<T&>().data())>>;

template <class T>
struct is_writable_buffer : std::bool_constant<!yields_const<T>> {};
template <buffer_range T>
struct is_writable_buffer<T>
    : std::bool_constant<!yields_const<const std::ranges::range_value_t<const T>>> {};

/// As the kernel wants them (struct iovec).
struct raw_buffer {
  void* data;
  std::size_t size;
};

/// The first buffers of a sequence: a call that moves less than all is not wrong.
class raw_buffers {
 public:
  static constexpr std::size_t count_max = 16;

  template <one_buffer B>
  explicit raw_buffers(const B& b) noexcept {
    add(b);
  }
  template <buffer_range R>
  explicit raw_buffers(const R& sequence) {
    for (auto&& b : sequence) {
      if (count_ == count_max) break;
      add(b);
    }
  }

  std::span<const raw_buffer> all() const noexcept { return {buffers_.data(), count_}; }
  std::size_t bytes() const noexcept {
    std::size_t sum = 0;
    for (const raw_buffer& b : all()) sum += b.size;
    return sum;
  }

 private:
  template <class B>
  void add(const B& b) noexcept {
    // Safety: who only sends does not write through it; the concepts see to it.
    if (b.size() > 0)
      buffers_[count_++] = {const_cast<void*>(static_cast<const void*>(b.data())), b.size()};
  }

  std::array<raw_buffer, count_max> buffers_;
  std::size_t count_ = 0;
};

}  // namespace detail

/// Bytes to send: anything with data() and size() in bytes (`std::string`, `std::string_view`,
/// `std::span<const std::byte>`, `std::vector<char>`, Asio's buffers), or a range of such.
template <class T>
concept const_buffers = detail::one_buffer<T> || detail::buffer_range<T>;

/// The same for what is received. A container as such is const and refused: say `std::span(v)`.
template <class T>
concept mutable_buffers = const_buffers<T> && detail::is_writable_buffer<const T>::value;

}  // namespace weft
