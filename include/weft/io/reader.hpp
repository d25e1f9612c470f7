#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>

#include <weft/io/buffers.hpp>
#include <weft/io/stream.hpp>

namespace weft::io {

/// Longer lines and messages than this need a limit that says so.
inline constexpr std::size_t usual_limit = std::size_t{64} << 10;

/// Reads a stream in large pieces, and gives them out in small ones.
///
/// It keeps a reference to the stream, and may have read more of it than it has given out: from
/// then on read through it only. Its memory grows up to the limits that its calls name.
///
/// Each function that may fail exists twice: with `std::error_code&` it reports, without it throws
/// std::system_error. A call that fails takes nothing from the stream, unless it says so: after a
/// deadline it may be tried again.
///
/// Threads: one at a time.
/// Example:
/// ```
/// weft::io::buffered_reader in(connection);
/// std::string_view head = in.read_until("\r\n\r\n", 8192);
/// ```
template <readable Stream>
class buffered_reader {
 public:
  explicit buffered_reader(Stream& from, std::size_t size = 4096)
      : from_(&from),
        room_(new char[std::max<std::size_t>(size, 1)]),
        size_(std::max<std::size_t>(size, 1)) {}

  /// What was read from the stream, and not given out yet.
  std::string_view buffered() const noexcept { return {room_.get() + begin_, end_ - begin_}; }

  /// Like the stream's; a read of more than it would buffer goes straight there.
  template <mutable_buffers B>
  std::size_t read_some(const B& into, std::error_code& ec) {
    ec.clear();
    const detail::raw_buffers all(into);
    if (all.bytes() == 0) return 0;
    if (buffered().empty() && all.all()[0].size >= size_)
      return from_->read_some(
          std::span<char>(static_cast<char*>(all.all()[0].data), all.all()[0].size), ec);
    if (buffered().empty() && !fill(ec)) return 0;
    return give_out(all);
  }
  template <mutable_buffers B>
  std::size_t read_some(const B& into) {
    return detail::io_checked("read", [&](std::error_code& ec) { return read_some(into, ec); });
  }

  /// Fills the buffer, unless the stream ends or fails before; what it got then is taken.
  std::size_t read_exact(std::span<char> into, std::error_code& ec) {
    return io::read_exact(*this, into, ec);
  }
  std::size_t read_exact(std::span<char> into) { return io::read_exact(*this, into); }

  /// The next `count` bytes, without taking them. Fewer, with `ec`: the stream has ended or failed.
  /// They are there until the next call.
  std::string_view peek(std::size_t count, std::error_code& ec) {
    ec.clear();
    while (buffered().size() < count && fill(ec, count)) {
    }
    return buffered().substr(0, count);
  }
  std::string_view peek(std::size_t count) {
    return detail::io_checked("read", [&](std::error_code& ec) { return peek(count, ec); });
  }
  /// Takes `count` bytes of what is buffered, at most.
  void skip(std::size_t count) noexcept { begin_ += std::min(count, buffered().size()); }

  /// Everything up to and with the delimiter. It is there until the next call.
  /// Returns: if the stream ends before the delimiter, the rest, with io_errc::end_of_file; if it
  /// does not come within `limit` bytes, nothing, with std::errc::message_size; nothing was taken
  /// then.
  std::string_view read_until(std::string_view delimiter, std::size_t limit, std::error_code& ec) {
    ec.clear();
    for (std::size_t searched = 0;;) {
      const std::string_view seen = buffered();
      const std::size_t at = seen.find(delimiter, searched);
      const bool found = at != std::string_view::npos;
      if (found ? at + delimiter.size() > limit : seen.size() >= limit) {
        ec = std::make_error_code(std::errc::message_size);
        return {};
      }
      if (found) return take(at + delimiter.size());
      // A part of the delimiter may stand at the end already.
      searched = seen.size() - std::min(seen.size(), delimiter.size() - 1);
      if (!fill(ec, limit))
        return ec == io_errc::end_of_file ? take(seen.size()) : std::string_view();
    }
  }
  std::string_view read_until(std::string_view delimiter, std::size_t limit = usual_limit) {
    return detail::io_checked(
        "read", [&](std::error_code& ec) { return read_until(delimiter, limit, ec); });
  }
  std::string_view read_until(char delimiter, std::size_t limit, std::error_code& ec) {
    return read_until(std::string_view(&delimiter, 1), limit, ec);
  }
  std::string_view read_until(char delimiter, std::size_t limit = usual_limit) {
    return read_until(std::string_view(&delimiter, 1), limit);
  }

 private:
  std::string_view take(std::size_t count) noexcept {
    return {room_.get() + std::exchange(begin_, begin_ + count), count};
  }

  std::size_t give_out(const detail::raw_buffers& all) noexcept {
    std::size_t done = 0;
    for (const detail::raw_buffer& b : all.all()) {
      const std::string_view part = take(std::min(b.size, buffered().size()));
      if (!part.empty()) std::memcpy(b.data, part.data(), part.size());
      done += part.size();
    }
    return done;
  }

  /// Reads once, behind what is there. `wanted`: how many bytes are to fit in, at most.
  /// Returns: whether any came; false with `ec`.
  bool fill(std::error_code& ec, std::size_t wanted = 0) {
    make_room(wanted);
    detail::io_progress progress;
    for (;;) {
      const std::size_t got =
          from_->read_some(std::span<char>(room_.get() + end_, size_ - end_), ec);
      end_ += got;
      if (got == 0 && !ec && progress.check(0, ec)) continue;
      if (got == 0) return false;
      ec.clear();  // whatever it was, the next read says it again
      return true;
    }
  }

  void make_room(std::size_t wanted) {
    const std::size_t kept = buffered().size();
    if (kept == 0) begin_ = end_ = 0;
    if (end_ < size_) return;
    if (begin_ > 0) {
      std::memmove(room_.get(), room_.get() + begin_, kept);
    } else {
      // Twice as much, not all at once: a limit is no promise that so much comes.
      const std::size_t more = std::max(kept + 1, std::min(2 * size_, wanted));
      std::unique_ptr<char[]> larger(new char[more]);
      std::memcpy(larger.get(), room_.get(), kept);
      room_ = std::move(larger);
      size_ = more;
    }
    begin_ = 0;
    end_ = kept;
  }

  Stream* from_;
  std::unique_ptr<char[]> room_;
  std::size_t size_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

/// Lines, as a range: see lines().
template <class Reader>
class line_range {
 public:
  class iterator {
   public:
    using value_type = std::string_view;
    using difference_type = std::ptrdiff_t;
    using iterator_concept = std::input_iterator_tag;

    iterator() = default;
    explicit iterator(line_range* of) : of_(of) { ++*this; }
    std::string_view operator*() const noexcept { return of_->line_; }
    iterator& operator++() {
      if (!of_->next()) of_ = nullptr;
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const iterator& i, std::default_sentinel_t) noexcept { return !i.of_; }

   private:
    line_range* of_ = nullptr;
  };

  line_range(Reader reader, std::size_t limit, std::error_code* ec)
      : reader_(std::forward<Reader>(reader)), limit_(limit), ec_(ec) {
    if (ec_) ec_->clear();
  }
  iterator begin() { return iterator(this); }
  std::default_sentinel_t end() const noexcept { return {}; }

 private:
  /// Returns: whether there is one more.
  bool next() {
    std::error_code ec;
    // For the line's own end, which does not count: "\r\n" at most.
    const std::size_t room = limit_ < static_cast<std::size_t>(-2) ? limit_ + 2 : limit_;
    line_ = ended_ ? std::string_view() : reader_.read_until("\n", room, ec);
    if (ec == io_errc::end_of_file) ended_ = true;
    if (ended_ && line_.empty()) return false;
    if (!ec || ended_) {
      if (line_.ends_with('\n')) line_.remove_suffix(1);
      if (line_.ends_with('\r')) line_.remove_suffix(1);
      if (line_.size() <= limit_) return true;
      ec = std::make_error_code(std::errc::message_size);
    }
    if (!ec_) throw std::system_error(ec, "line");
    *ec_ = ec;
    return false;
  }

  Reader reader_;
  std::size_t limit_;
  std::error_code* ec_;
  std::string_view line_;
  bool ended_ = false;
};

/// The lines of a stream, without "\n" or "\r\n", one after the other; the last one needs no end.
///
/// Of a stream it reads ahead: what comes after the lines is lost to others. Of a buffered_reader
/// it takes line by line. A line is there until the next one is asked for.
///
/// Blocks:  until there is a line.
/// Throws:  std::system_error: what failed, or std::errc::message_size for a line that is longer
///          than the limit. With `ec` the lines end, and it says why; it is clear at the end of the
///          stream.
/// Example:
/// ```
/// for (std::string_view line : weft::io::lines(connection)) answer(line);
/// ```
template <readable Stream>
auto lines(Stream& from, std::size_t limit = usual_limit) {
  return line_range<buffered_reader<Stream>>(buffered_reader<Stream>(from), limit, nullptr);
}
template <readable Stream>
auto lines(Stream& from, std::size_t limit, std::error_code& ec) {
  return line_range<buffered_reader<Stream>>(buffered_reader<Stream>(from), limit, &ec);
}
template <class Stream>
auto lines(buffered_reader<Stream>& from, std::size_t limit = usual_limit) {
  return line_range<buffered_reader<Stream>&>(from, limit, nullptr);
}
template <class Stream>
auto lines(buffered_reader<Stream>& from, std::size_t limit, std::error_code& ec) {
  return line_range<buffered_reader<Stream>&>(from, limit, &ec);
}

}  // namespace weft::io
