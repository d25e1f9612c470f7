// See handle.hpp.
#include "sync/io/handle.hpp"

#include "port/clock.hpp"
#include "port/net/socket_calls.hpp"
#include "wait/io_wait.hpp"

namespace weft::detail {
namespace {

descriptor& watch_or_close(int fd) {
  try {
    return watch_descriptor(fd);
  } catch (...) {
    close_call(fd);
    throw;
  }
}

}  // namespace

io_handle::io_handle(int fd) : fd_(fd), descriptor_(watch_or_close(fd)) {}

io_handle::~io_handle() {
  if (!close()) closed_.wait();
}

void io_handle::leave() noexcept {
  if (!calls_.leave()) return;
  close_call(fd_);
  poller::get().give_back(descriptor_);
  gone_.set();  // the last: whoever closes may destroy it now
}

bool io_handle::close() noexcept {
  std::error_code ec;
  if (!calls_.enter(ec)) return false;
  const bool first = calls_.shut();
  if (first) close_descriptor(descriptor_);
  leave();
  if (!first) return false;
  gone_.wait();
  closed_.set();
  return true;
}

void io_handle::set_deadline(io_side sides, deadline_ns at) noexcept {
  std::error_code ec;
  if (!calls_.enter(ec)) return;
  if (has(sides, io_side::read)) read_deadline_.write(at);
  if (has(sides, io_side::write)) write_deadline_.write(at);
  if (calls_.pass_on()) wake_all(descriptor_, sides);
  leave();
}

bool io_handle::may_go_on(io_side side, std::error_code& ec) const noexcept {
  if (!is_open()) {
    ec = io_errc::closed;
    return false;
  }
  const deadline_ns until = deadline_of(side).read();
  if (until == never_ns || now_ns() < until) return true;
  ec = io_errc::timeout;
  return false;
}

bool io_handle::would_block(long answer, std::error_code& ec) noexcept {
  if (answer >= 0) return false;
  if (answer == -EAGAIN || answer == -EWOULDBLOCK) return true;
  ec = {static_cast<int>(-answer), std::system_category()};
  return false;
}

bool io_handle::wait(io_side side, const wait_bound& bound, std::error_code& ec) {
  for (;;) {
    const deadline_ns until = deadline_of(side).read();
    wait_bound either = bound;
    if (until < either.deadline) either.deadline = until;
    switch (wait_for_news(descriptor_, side, either)) {
      case io_outcome::ready:
        return may_go_on(side, ec);
      case io_outcome::closed:
        ec = io_errc::closed;
        return false;
      case io_outcome::cancelled:
        ec = std::make_error_code(std::errc::operation_canceled);
        return false;
      case io_outcome::timeout:
        // It may have been extended meanwhile.
        if (!may_go_on(side, ec)) return false;
        if (until < bound.deadline) break;
        ec = io_errc::timeout;
        return false;
    }
  }
}

bool io_handle::pause(io_side side, deadline_ns how_long, std::error_code& ec) {
  ec.clear();
  if (!calls_.enter(ec)) return false;
  bool go_on = false;
  {
    std::lock_guard turn(side == io_side::read ? read_turn_ : write_turn_);
    const wait_bound bound{.deadline = deadline_after_ns(how_long)};
    while (wait(side, bound, ec)) {
    }
    if (ec == io_errc::timeout) ec.clear();  // which of the two deadlines?
    go_on = !ec && may_go_on(side, ec);
  }
  leave();
  return go_on;
}

}  // namespace weft::detail
