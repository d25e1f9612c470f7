// Files as users see them.
#include <weft/io/file.hpp>

#include <cerrno>
#include <limits>
#include <new>

#include "sync/io/file_core.hpp"
#include "wait/file_wait.hpp"

namespace weft {

void detail::file_core_deleter::operator()(file_core* f) const noexcept { delete f; }

namespace io {

using detail::file_core;
using detail::file_operation;
using detail::file_verb;
using detail::raw_buffer;
using detail::raw_buffers;

namespace {

constexpr std::uint64_t file_offset_max =
    static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());

std::error_code error_of(long negative) noexcept {
  return {static_cast<int>(-negative), std::system_category()};
}

/// Calls `once(done)`, which moves some bytes behind the first `done` ones, until all are moved.
template <class Once>
std::size_t move_all(std::size_t size, std::error_code& ec, Once once) {
  std::size_t done = 0;
  while (done < size && !ec) {
    const std::size_t moved = once(done);
    if (!ec && moved == 0) ec = io_errc::end_of_file;
    done += moved;
  }
  return done;
}

bool fits_in_file(std::uint64_t offset, std::size_t size, std::error_code& ec) noexcept {
  if (offset <= file_offset_max && size <= file_offset_max - offset) return true;
  ec = std::make_error_code(std::errc::invalid_argument);
  return false;
}

}  // namespace

file::file(core_ptr core) noexcept : core_(std::move(core)) {}

file::file(int fd) {
  if (const long error = detail::check_descriptor_call(fd); error < 0)
    throw std::system_error(error_of(error), "weft: not a descriptor");
  core_.reset(new file_core(fd));
}

file file::open(const std::string& path, open_mode mode, std::error_code& ec) {
  ec.clear();
  const file_operation opening{.verb = file_verb::open, .path = path.c_str(), .mode = mode};
  long fd = -EINVAL;
  if (path.find('\0') == std::string::npos) {
    do fd = detail::perform_file_operation(opening);
    while (fd == -EINTR);
  }
  if (fd < 0) {
    ec = error_of(fd);
    return {};
  }
  if (auto* core = new (std::nothrow) file_core(static_cast<int>(fd))) return file(core_ptr(core));
  detail::close_file_call(static_cast<int>(fd));
  ec = std::make_error_code(std::errc::not_enough_memory);
  return {};
}
file file::open(const std::string& path, open_mode mode) {
  std::error_code ec;
  file opened = open(path, mode, ec);
  if (ec) throw std::system_error(ec, "open " + path);
  return opened;
}

bool file::is_open() const noexcept { return core_ && core_->is_open(); }
int file::native_handle() const noexcept { return core_ ? core_->fd() : -1; }

file_core* file::core(std::error_code& ec) const noexcept {
  ec.clear();
  if (is_open()) return core_.get();
  ec = io_errc::closed;
  return nullptr;
}

void file::close(std::error_code& ec) noexcept {
  if (core(ec)) core_->close(ec);
}
void file::close() {
  std::error_code ec;
  close(ec);
  if (ec) throw std::system_error(ec, "close");
}

std::size_t file::read_here(const raw_buffers& into, std::error_code& ec) {
  if (!core(ec) || into.bytes() == 0) return 0;
  const std::size_t got = core_->read(into.all(), file_operation::at_position, ec);
  if (got == 0 && !ec) ec = io_errc::end_of_file;
  return got;
}

std::size_t file::write_here(const raw_buffers& from, std::error_code& ec) {
  if (!core(ec) || from.bytes() == 0) return 0;
  return core_->write(from.all(), file_operation::at_position, ec);
}

std::size_t file::write_all(const void* data, std::size_t size, std::error_code& ec) {
  if (!core(ec)) return 0;
  // Safety: only read, by way of an interface for both directions.
  auto* const bytes = const_cast<std::byte*>(static_cast<const std::byte*>(data));
  return move_all(size, ec, [&](std::size_t done) {
    const raw_buffer rest{bytes + done, size - done};
    return core_->write({&rest, 1}, file_operation::at_position, ec);
  });
}

std::size_t file::read_all_at(std::uint64_t offset, void* data, std::size_t size,
                              std::error_code& ec) {
  if (!core(ec) || !fits_in_file(offset, size, ec)) return 0;
  return move_all(size, ec, [&](std::size_t done) {
    const raw_buffer rest{static_cast<std::byte*>(data) + done, size - done};
    return core_->read({&rest, 1}, static_cast<std::int64_t>(offset + done), ec);
  });
}

std::size_t file::write_all_at(std::uint64_t offset, const void* data, std::size_t size,
                               std::error_code& ec) {
  if (!core(ec) || !fits_in_file(offset, size, ec)) return 0;
  // Safety: see write_all().
  auto* const bytes = const_cast<std::byte*>(static_cast<const std::byte*>(data));
  return move_all(size, ec, [&](std::size_t done) {
    const raw_buffer rest{bytes + done, size - done};
    return core_->write({&rest, 1}, static_cast<std::int64_t>(offset + done), ec);
  });
}

void file::sync(std::error_code& ec) {
  if (core(ec)) core_->sync(file_verb::sync, ec);
}
void file::sync() {
  std::error_code ec;
  sync(ec);
  if (ec) throw std::system_error(ec, "sync");
}
void file::sync_data(std::error_code& ec) {
  if (core(ec)) core_->sync(file_verb::sync_data, ec);
}
void file::sync_data() {
  std::error_code ec;
  sync_data(ec);
  if (ec) throw std::system_error(ec, "sync_data");
}

std::uint64_t file::size(std::error_code& ec) const noexcept {
  return core(ec) ? core_->size(ec) : 0;
}
std::uint64_t file::size() const {
  return checked("size", [&](std::error_code& ec) { return size(ec); });
}

std::uint64_t file::position(std::error_code& ec) const {
  return core(ec) ? core_->position(ec) : 0;
}
std::uint64_t file::position() const {
  return checked("position", [&](std::error_code& ec) { return position(ec); });
}

void file::set_position(std::uint64_t at, std::error_code& ec) {
  if (core(ec)) core_->set_position(at, ec);
}
void file::set_position(std::uint64_t at) {
  std::error_code ec;
  set_position(at, ec);
  if (ec) throw std::system_error(ec, "set_position");
}

}  // namespace io
}  // namespace weft
