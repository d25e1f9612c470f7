#pragma once

#include <concepts>
#include <cstddef>
#include <span>
#include <system_error>

#include <weft/io/error.hpp>

namespace weft {

namespace detail {

template <class S>
concept writes_some = requires(S& s, std::span<const char> from, std::error_code& ec) {
  { s.write_some(from, ec) } -> std::convertible_to<std::size_t>;
};
template <class S>
concept writes_all = requires(S& s, std::span<const char> from, std::error_code& ec) {
  { s.write(from, ec) } -> std::convertible_to<std::size_t>;
};

/// A stream that again and again has neither bytes nor an error would be asked for ever.
class io_progress {
 public:
  /// False, with `ec`: that was once too often.
  bool check(std::size_t moved, std::error_code& ec) noexcept {
    if (moved > 0) idle_ = 0;
    if (moved > 0 || ec || ++idle_ < idle_max) return true;
    ec = std::make_error_code(std::errc::io_error);
    return false;
  }

 private:
  static constexpr int idle_max = 100;
  int idle_ = 0;
};

template <class F>
auto io_checked(const char* what, F f) {
  std::error_code ec;
  auto result = f(ec);
  if (ec) throw std::system_error(ec, what);
  return result;
}

}  // namespace detail

}  // namespace weft

/// Helpers for whatever moves bytes: sockets, pipes, files, and what users make.
namespace weft::io {

/// Has `read_some(buffer, ec)`, as weft::net::stream and weft::io::file have it: some bytes, or
/// none and io_errc::end_of_file. Both at once is right, too: the bytes come first.
template <class S>
concept readable = requires(S& s, std::span<char> into, std::error_code& ec) {
  { s.read_some(into, ec) } -> std::convertible_to<std::size_t>;
};

/// Has `write_some(buffer, ec)`, or `write(buffer, ec)`, which writes all.
template <class S>
concept writable = detail::writes_some<S> || detail::writes_all<S>;

/// Writes all of it, unless it fails. Returns: how much was written.
template <writable S>
std::size_t write_all(S& to, std::span<const char> from, std::error_code& ec) {
  ec.clear();
  if (from.empty()) return 0;
  if constexpr (detail::writes_all<S>) {
    return to.write(from, ec);
  } else {
    detail::io_progress progress;
    std::size_t done = 0;
    while (done < from.size() && !ec) {
      const std::size_t moved = to.write_some(from.subspan(done), ec);
      done += moved;
      progress.check(moved, ec);
    }
    return done;
  }
}
template <writable S>
std::size_t write_all(S& to, std::span<const char> from) {
  return detail::io_checked("write", [&](std::error_code& ec) { return write_all(to, from, ec); });
}

/// Fills the buffer, unless the stream ends or fails before.
/// Returns: how many bytes; fewer than asked for: with `ec`, which may be io_errc::end_of_file.
template <readable S>
std::size_t read_exact(S& from, std::span<char> into, std::error_code& ec) {
  ec.clear();
  detail::io_progress progress;
  std::size_t done = 0;
  while (done < into.size() && !ec) {
    const std::size_t got = from.read_some(into.subspan(done), ec);
    done += got;
    progress.check(got, ec);
  }
  if (done == into.size()) ec.clear();
  return done;
}
template <readable S>
std::size_t read_exact(S& from, std::span<char> into) {
  return detail::io_checked("read",
                            [&](std::error_code& ec) { return read_exact(from, into, ec); });
}

}  // namespace weft::io
