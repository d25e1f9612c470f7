// See file_core.hpp.
#include "sync/io/file_core.hpp"

#include <cerrno>
#include <limits>
#include <mutex>

#include "wait/file_wait.hpp"

namespace weft::detail {
file_core::~file_core() {
  std::error_code ignored;
  close(ignored);
  gone_.wait();
}

long file_core::leave() noexcept {
  if (!calls_.leave()) return 0;
  const long result = close_file_call(fd_);
  gone_.set();  // the last: it may be destroyed now
  return result;
}

void file_core::close(std::error_code& ec) noexcept {
  ec.clear();
  if (!calls_.enter(ec)) return;
  if (!calls_.shut()) ec = io_errc::closed;
  const long result = leave();
  if (result < 0) ec = {static_cast<int>(-result), std::system_category()};
}

long file_core::transfer_once(const file_operation& operation, hint<bool>& tries) noexcept {
  for (;;) {
    long result = -EAGAIN;
    if (lies_in_memory_.read()) {
      result = run_file_operation(operation);
    } else {
      if (tries.read()) result = try_file_operation(operation);
      if (result == -EOPNOTSUPP) {
        tries.write(false);
        lies_in_memory_.write(lies_in_memory_call(operation.fd));
      }
      if (result == -EAGAIN || result == -EOPNOTSUPP) result = perform_file_operation(operation);
    }
    if (result != -EINTR) return result;
  }
}

std::size_t file_core::transfer(file_operation& operation, hint<bool>& tries, std::error_code& ec) {
  const long moved = perform(ec, [&](int fd) {
    operation.fd = fd;
    if (operation.offset != file_operation::at_position) return transfer_once(operation, tries);
    std::lock_guard turn(position_turn_);
    return transfer_once(operation, tries);
  });
  return moved > 0 ? static_cast<std::size_t>(moved) : 0;
}

std::size_t file_core::read(std::span<const raw_buffer> into, std::int64_t offset,
                            std::error_code& ec) {
  file_operation reading{.verb = file_verb::read, .buffers = into, .offset = offset};
  return transfer(reading, tries_reading_, ec);
}

std::size_t file_core::write(std::span<const raw_buffer> from, std::int64_t offset,
                             std::error_code& ec) {
  file_operation writing{.verb = file_verb::write, .buffers = from, .offset = offset};
  return transfer(writing, tries_writing_, ec);
}

void file_core::sync(file_verb verb, std::error_code& ec) {
  perform(ec, [&](int fd) {
    long result = 0;
    do result = perform_file_operation({.verb = verb, .fd = fd});
    while (result == -EINTR);
    return result;
  });
}

void file_core::fetch(std::int64_t offset, std::size_t count) {
  std::error_code ec;
  if (count == 0 || lies_in_memory_.read() || is_in_memory(fd_, offset, count)) return;
  will_need_call(fd_, offset, count);
  // The system asks the disk for all of it now; the first and the last byte say when it is there.
  char byte = 0;
  const raw_buffer one{&byte, 1};
  static_cast<void>(read({&one, 1}, offset, ec));
  if (count > 1) static_cast<void>(read({&one, 1}, offset + std::int64_t(count) - 1, ec));
}

std::uint64_t file_core::size(std::error_code& ec) noexcept {
  const long bytes = perform(ec, file_size_call);
  return bytes > 0 ? static_cast<std::uint64_t>(bytes) : 0;
}

std::uint64_t file_core::position(std::error_code& ec) {
  const long at = perform(ec, [&](int fd) {
    std::lock_guard turn(position_turn_);
    return file_position_call(fd);
  });
  return at > 0 ? static_cast<std::uint64_t>(at) : 0;
}

void file_core::set_position(std::uint64_t at, std::error_code& ec) {
  perform(ec, [&](int fd) -> long {
    if (at > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return -EINVAL;
    std::lock_guard turn(position_turn_);
    return set_file_position_call(fd, static_cast<std::int64_t>(at));
  });
}

}  // namespace weft::detail
