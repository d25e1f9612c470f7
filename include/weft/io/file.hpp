#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <system_error>

#include <weft/io/buffers.hpp>
#include <weft/io/error.hpp>
#include <weft/io/open_mode.hpp>

namespace weft {

namespace detail {

class file_core;
struct file_access;
struct file_core_deleter {
  void operator()(file_core* f) const noexcept;
};

}  // namespace detail

namespace io {

/// A file: on a disk, in memory, on a server, a device. Its calls hold up their own goroutine, and
/// no other, however long the disk takes.
///
/// What is in the kernel's memory already is read on the spot. Everything else is left to io_uring
/// where the kernel lets this process have it (not with `WEFT_IO_URING=0` in the environment), or
/// to another thread, as by weft::blocking.
///
/// It owns its descriptor, and is moved, not copied. `read_some` and `write_some` go on from where
/// the last of them ended, and take turns; `read_at` and `write_at` name their place, and run side
/// by side. Reads of a pipe or a terminal wait like all others, but nothing ends that wait.
/// After `close()` calls fail with io_errc::closed; those that have begun go on to their end. The
/// destructor closes, too, but may only run when no call is inside, and keeps quiet about errors.
///
/// Each function that may fail exists twice: with `std::error_code&` it reports, without it throws
/// std::system_error.
///
/// Blocks:  the goroutine (or the calling thread), until the system has done it.
/// Threads: any.
/// Example:
/// ```
/// auto log = weft::io::file::open("access.log", open_mode::append | open_mode::create);
/// log.write(line);
/// ```
class file {
 public:
  /// Not open: every call fails with io_errc::closed.
  file() noexcept = default;
  /// Takes over a descriptor, which should be a blocking one. Throws: std::system_error (not one).
  explicit file(int fd);

  /// Throws: std::system_error (no_such_file_or_directory, permission_denied, ...).
  static file open(const std::string& path, open_mode mode = open_mode::read);
  /// Returns: one that is not open, with `ec`.
  static file open(const std::string& path, open_mode mode, std::error_code& ec);

  bool is_open() const noexcept;
  /// -1 if it is not open.
  int native_handle() const noexcept;

  /// Reports what the system could not write (on some file systems it is known only now).
  /// Misuse: closing twice reports io_errc::closed, or throws it.
  void close();
  void close(std::error_code& ec) noexcept;

  /// Reads at the position, at least one byte unless the buffers are empty, perhaps less than there
  /// is. Returns: how many bytes. End of the file: 0 and io_errc::end_of_file.
  template <mutable_buffers B>
  std::size_t read_some(const B& into, std::error_code& ec) {
    return read_here(detail::raw_buffers(into), ec);
  }
  template <mutable_buffers B>
  std::size_t read_some(const B& into) {
    return checked("read", [&](std::error_code& ec) { return read_some(into, ec); });
  }

  /// Writes at the position, at least one byte. A full disk: std::errc::no_space_on_device.
  template <const_buffers B>
  std::size_t write_some(const B& from, std::error_code& ec) {
    return write_here(detail::raw_buffers(from), ec);
  }
  template <const_buffers B>
  std::size_t write_some(const B& from) {
    return checked("write", [&](std::error_code& ec) { return write_some(from, ec); });
  }

  /// Writes all of one buffer, unless it fails: then the answer is how much was written before.
  /// One that others write at the same time may come between its parts.
  template <detail::one_buffer B>
  std::size_t write(const B& from, std::error_code& ec) {
    return write_all(from.data(), from.size(), ec);
  }
  template <detail::one_buffer B>
  std::size_t write(const B& from) {
    return checked("write", [&](std::error_code& ec) { return write(from, ec); });
  }

  /// Reads from a place of the file and leaves the position alone. Fills the buffer, unless the
  /// file ends before: then io_errc::end_of_file, and the answer is how much there was.
  template <detail::one_buffer B>
    requires mutable_buffers<B>
  std::size_t read_at(std::uint64_t offset, const B& into, std::error_code& ec) {
    return read_all_at(offset, into.data(), into.size(), ec);
  }
  template <detail::one_buffer B>
    requires mutable_buffers<B>
  std::size_t read_at(std::uint64_t offset, const B& into) {
    return checked("read", [&](std::error_code& ec) { return read_at(offset, into, ec); });
  }

  /// Writes all of the buffer to a place of the file. With open_mode::append: to its end.
  template <detail::one_buffer B>
  std::size_t write_at(std::uint64_t offset, const B& from, std::error_code& ec) {
    return write_all_at(offset, from.data(), from.size(), ec);
  }
  template <detail::one_buffer B>
  std::size_t write_at(std::uint64_t offset, const B& from) {
    return checked("write", [&](std::error_code& ec) { return write_at(offset, from, ec); });
  }

  /// Returns when everything that was written is on the disk, as far as the disk says (fsync).
  void sync();
  void sync(std::error_code& ec);
  /// The same without the times of the file, when they need not be there (fdatasync).
  void sync_data();
  void sync_data(std::error_code& ec);

  /// In bytes.
  std::uint64_t size() const;
  std::uint64_t size(std::error_code& ec) const noexcept;

  std::uint64_t position() const;
  std::uint64_t position(std::error_code& ec) const;
  /// Where `read_some` and `write_some` go on. It may lie behind the end.
  void set_position(std::uint64_t at);
  void set_position(std::uint64_t at, std::error_code& ec);

 private:
  friend detail::file_access;
  using core_ptr = std::unique_ptr<detail::file_core, detail::file_core_deleter>;

  template <class F>
  static auto checked(const char* what, F f) {
    std::error_code ec;
    auto result = f(ec);
    if (ec) throw std::system_error(ec, what);
    return result;
  }

  explicit file(core_ptr core) noexcept;
  detail::file_core* core(std::error_code& ec) const noexcept;
  std::size_t read_here(const detail::raw_buffers& into, std::error_code& ec);
  std::size_t write_here(const detail::raw_buffers& from, std::error_code& ec);
  std::size_t write_all(const void* data, std::size_t size, std::error_code& ec);
  std::size_t read_all_at(std::uint64_t offset, void* data, std::size_t size, std::error_code& ec);
  std::size_t write_all_at(std::uint64_t offset, const void* data, std::size_t size,
                           std::error_code& ec);

  core_ptr core_;
};

}  // namespace io
}  // namespace weft
