// Descriptors on their way between processes, and who sends them.
#include <algorithm>

#include <weft/net/unix.hpp>

#include "api/net/open_socket.hpp"
#include "port/net/unix_calls.hpp"

namespace weft::net {

using detail::io_side;
using detail::raw_buffer;
using detail::raw_buffers;

namespace {

/// Owns what the kernel has handed over until somebody else does.
class arrived_descriptors : public detail::passed_descriptors {
 public:
  arrived_descriptors() noexcept = default;
  arrived_descriptors(const arrived_descriptors&) = delete;
  arrived_descriptors& operator=(const arrived_descriptors&) = delete;
  ~arrived_descriptors() {
    for (; given_ < count; ++given_) detail::close_call(numbers[given_]);
  }
  void give_to(std::vector<io::owned_descriptor>& owner) {
    owner.reserve(count);
    for (; given_ < count; ++given_) owner.emplace_back(numbers[given_]);
  }

 private:
  std::size_t given_ = 0;
};

/// Returns whether a message came.
bool receive_passed(detail::io_handle& h, const raw_buffers& into, descriptor_message& got,
                    std::error_code& ec) {
  arrived_descriptors arrived;
  const long size = h.perform(io_side::read, ec, [&](int fd) {
    return detail::receive_descriptors_call(fd, into.all(), arrived);
  });
  if (size < 0) return false;
  arrived.give_to(got.descriptors);
  got.full_size = static_cast<std::size_t>(size);
  got.size = std::min(got.full_size, into.bytes());
  got.lost = arrived.lost;
  return true;
}

}  // namespace

/// In one turn, as unix_stream::write: what others write does not come between.
std::size_t unix_stream::pass(std::span<const int> descriptors, const void* data, std::size_t size,
                              std::error_code& ec) {
  ec.clear();
  if (!handle(ec)) return 0;
  if (size == 0) {
    // A stream carries nothing without bytes.
    ec = std::make_error_code(std::errc::invalid_argument);
    return 0;
  }
  // Safety: who only sends does not write through it.
  raw_buffer rest{const_cast<void*>(data), size};
  handle_->perform(io_side::write, ec, [&](int fd) -> long {
    while (rest.size > 0) {
      const long sent = detail::send_descriptors_call(fd, {&rest, 1}, descriptors);
      if (sent < 0) return sent;
      descriptors = {};
      const auto count = static_cast<std::size_t>(sent);
      rest = {static_cast<std::byte*>(rest.data) + count, rest.size - count};
    }
    return 0;
  });
  return size - rest.size;
}

descriptor_message unix_stream::take(const raw_buffers& into, std::error_code& ec) {
  descriptor_message got;
  ec.clear();
  if (!handle(ec) || into.bytes() == 0) return got;
  if (receive_passed(*handle_, into, got, ec) && got.size == 0) ec = io_errc::end_of_file;
  return got;
}

std::size_t unix_datagram::pass(std::span<const int> descriptors, const raw_buffers& data,
                                std::error_code& ec) {
  ec.clear();
  if (!handle(ec)) return 0;
  const long sent = handle_->perform(io_side::write, ec, [&](int fd) {
    return detail::send_descriptors_call(fd, data.all(), descriptors);
  });
  return sent > 0 ? static_cast<std::size_t>(sent) : 0;
}

descriptor_message unix_datagram::take(const raw_buffers& into, std::error_code& ec) {
  descriptor_message got;
  ec.clear();
  if (handle(ec)) receive_passed(*handle_, into, got, ec);
  return got;
}

unix_stream::identity unix_stream::peer(std::error_code& ec) const noexcept {
  detail::peer_identity found{};
  ec.clear();
  if (!handle(ec)) return {};
  handle_->perform_now(ec, [&](int fd) { return detail::peer_identity_call(fd, found); });
  if (ec) return {};
  return {found.process_id, found.user_id, found.group_id};
}
unix_stream::identity unix_stream::peer() const {
  return checked([&](std::error_code& ec) { return peer(ec); });
}

}  // namespace weft::net
