#pragma once

#include <utility>

namespace weft::io {

/// A descriptor that somebody owns: closed when it goes away. Moved, not copied.
///
/// What comes through a Unix socket is handed over as this; give it to what it is for:
/// `weft::net::tcp_stream(d.release())`.
///
/// Blocks:  never. Threads: one at a time, as a value.
/// Misuse:  the same number in two of them closes somebody else's descriptor in the end.
class owned_descriptor {
 public:
  /// None.
  owned_descriptor() noexcept = default;
  explicit owned_descriptor(int fd) noexcept : fd_(fd) {}
  owned_descriptor(owned_descriptor&& from) noexcept : fd_(from.release()) {}
  owned_descriptor& operator=(owned_descriptor&& from) noexcept {
    if (this != &from) reset(from.release());
    return *this;
  }
  ~owned_descriptor() { reset(); }

  /// -1: none.
  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  /// The caller closes it.
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }
  /// Closes it, and takes another.
  void reset(int fd = -1) noexcept;

 private:
  int fd_ = -1;
};

}  // namespace weft::io
