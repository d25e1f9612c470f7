#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <system_error>

#include <weft/io/buffers.hpp>
#include <weft/io/stream.hpp>

namespace weft::io {

/// Gathers small writes and hands them on in large ones.
///
/// It keeps a reference to the stream. Nothing is handed on before the buffer is full, or `flush()`
/// is called: call it at the end, too, since the destructor drops what is left (it could not say
/// that it has failed). After an error it takes nothing any more, and repeats the error.
///
/// Threads: one at a time.
/// Example:
/// ```
/// weft::io::buffered_writer out(connection);
/// for (const std::string& line : report) out.write(line);
/// out.flush();
/// ```
template <writable Stream>
class buffered_writer {
 public:
  explicit buffered_writer(Stream& to, std::size_t size = 4096)
      : to_(&to),
        room_(new char[std::max<std::size_t>(size, 1)]),
        size_(std::max<std::size_t>(size, 1)) {}

  std::size_t buffered() const noexcept { return used_; }

  /// Returns: how much was taken: all, unless `ec` says why not.
  template <detail::one_buffer B>
  std::size_t write(const B& from, std::error_code& ec) {
    return take({static_cast<const char*>(static_cast<const void*>(from.data())), from.size()}, ec);
  }
  template <detail::one_buffer B>
  std::size_t write(const B& from) {
    return detail::io_checked("write", [&](std::error_code& ec) { return write(from, ec); });
  }

  /// Hands on what is left.
  void flush(std::error_code& ec) {
    if (!failed_ && used_ > 0) {
      const std::size_t done = write_all(*to_, std::span<const char>(room_.get(), used_), failed_);
      std::memmove(room_.get(), room_.get() + done, used_ - done);
      used_ -= done;
    }
    ec = failed_;
  }
  void flush() {
    std::error_code ec;
    flush(ec);
    if (ec) throw std::system_error(ec, "flush");
  }

 private:
  std::size_t take(std::span<const char> from, std::error_code& ec) {
    std::size_t done = 0;
    if (from.size() > size_ - used_) {
      flush(ec);
      if (failed_) return 0;
      if (from.size() >= size_) {
        done = write_all(*to_, from, failed_);
        ec = failed_;
        return done;
      }
    }
    ec = failed_;
    if (failed_ || from.empty()) return 0;
    std::memcpy(room_.get() + used_, from.data(), from.size());
    used_ += from.size();
    return from.size();
  }

  Stream* to_;
  std::unique_ptr<char[]> room_;
  std::size_t size_;
  std::size_t used_ = 0;
  std::error_code failed_;
};

}  // namespace weft::io
