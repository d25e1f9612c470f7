// A non-blocking descriptor that weft owns: its calls, its deadlines, its end.
//
// Calls on one side (reading, writing) take turns; so a read is never torn by another. A closed
// handle ends the calls that wait, and its number goes back to the kernel only when the last call
// has left: no call ever uses a number that is somebody else's by now. close() waits for that, as
// Go's does: a port that was listened on is free when it returns.
//
// Threads: any. Locks: one mutex for each side, held across the wait; below it the descriptor's.
// Invariants: R1 the last call that leaves a closed one gives the number back.
//             R2 a deadline is stored before the side is poked: who goes to sleep with the one
//                before has news, and looks again. It is poked only if a call is inside; one that
//                enters later has read the deadline.
// Tested by: tests/conformance/net
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <system_error>

#include <weft/detail/atomic.hpp>
#include <weft/detail/wait_bound.hpp>
#include <weft/io/error.hpp>
#include <weft/sync/event.hpp>
#include <weft/sync/mutex.hpp>

#include "engine/poller.hpp"
#include "sync/io/call_gate.hpp"

namespace weft::detail {

class io_handle {
 public:
  /// Takes the descriptor, which must be non-blocking; it is closed if this throws.
  /// Throws: std::system_error, std::bad_alloc.
  explicit io_handle(int fd);
  io_handle(const io_handle&) = delete;
  io_handle& operator=(const io_handle&) = delete;
  /// Closes it, or waits until whoever does is done: their last call on it may be the reason why it
  /// is destroyed now.
  ~io_handle();

  /// Waits until the last call has left, which it does at once. Returns false if it was closed
  /// before.
  bool close() noexcept;
  bool is_open() const noexcept { return calls_.is_open(); }
  /// -1 when it is closed. For calls that do not wait.
  int fd() const noexcept { return is_open() ? fd_ : -1; }
  /// Applies to calls that wait already, too.
  void set_deadline(io_side sides, deadline_ns at) noexcept;

  /// Runs `call(fd)`, which is a system call, again and again until it does something else than
  /// to find nothing to do. Returns: what it has returned, or -1 with `ec`.
  template <class Call>
  long perform(io_side side, std::error_code& ec, Call&& call, const wait_bound& bound = {}) {
    return perform_in_turn(side, ec, bound, [&](int fd) -> long {
      if (side == io_side::read) is_empty_ = false;  // it may leave something
      return call(fd);
    });
  }
  /// Before its first call, if it is TCP's: a read that gets less than it asks for has emptied the
  /// stream. (Other streams have bounds inside: passed descriptors, packets.)
  void let_short_reads_empty() noexcept { short_reads_empty_ = true; }
  /// Reads up to `asked` bytes. When the one before has emptied the stream, it waits for news at
  /// once, instead of asking for what is not there.
  template <class Call>
  long perform_read(std::size_t asked, std::error_code& ec, Call&& call) {
    return perform_in_turn(io_side::read, ec, {}, [&](int fd) -> long {
      if (is_empty()) {
        is_empty_ = false;  // the news may be of anything
        errno = EAGAIN;
        return -1;
      }
      const long result = call(fd);
      is_empty_ = short_reads_empty_ && 0 < result && static_cast<std::size_t>(result) < asked;
      return result;
    });
  }
  /// A call that does not wait: setsockopt(), shutdown().
  template <class Call>
  long perform_now(std::error_code& ec, Call&& call) {
    ec.clear();
    if (!calls_.enter(ec)) return -1;
    const long result = answer_of(call, fd_);
    if (result < 0) ec = {static_cast<int>(-result), std::system_category()};
    leave();
    return result < 0 ? -1 : result;
  }
  /// Waits for news of the other end: for connect(). Returns false with `ec`.
  bool wait(io_side side, const wait_bound& bound, std::error_code& ec);
  /// Waits for what no descriptor tells, and lets nobody have the turn of this side. Returns false
  /// with `ec` if it ends early: closed, or the deadline has passed.
  bool pause(io_side side, deadline_ns how_long, std::error_code& ec);

 private:
  template <class Call>
  long perform_in_turn(io_side side, std::error_code& ec, const wait_bound& bound, Call&& call) {
    ec.clear();
    if (!calls_.enter(ec)) return -1;
    long result = -1;
    {
      std::lock_guard turn(side == io_side::read ? read_turn_ : write_turn_);
      bool again = may_go_on(side, ec);
      while (again) {
        result = answer_of(call, fd_);
        again = result == -EINTR || (would_block(result, ec) && wait(side, bound, ec));
      }
    }
    leave();
    return result < 0 ? -1 : result;
  }
  /// Negative: what errno was. Never inlined: a function that parks must not name errno, whose
  /// address is another's when it goes on on another thread.
  template <class Call>
  [[gnu::noinline]] static long answer_of(Call& call, int fd) {
    const long result = call(fd);
    return result < 0 ? -long{errno} : result;
  }
  /// True: there was nothing to do. If it has failed otherwise: with `ec`.
  static bool would_block(long answer, std::error_code& ec) noexcept;
  /// With the turn to read. After an end, an error or urgent data a short read proves nothing: the
  /// news of those may have come together with those of the bytes.
  bool is_empty() const noexcept { return is_empty_ && !descriptor_.told_more_than_bytes(); }
  void leave() noexcept;
  /// Neither closed nor too late. False: with `ec`.
  bool may_go_on(io_side side, std::error_code& ec) const noexcept;
  const hint<deadline_ns>& deadline_of(io_side side) const noexcept {
    return side == io_side::read ? read_deadline_ : write_deadline_;
  }

  const int fd_;
  call_gate calls_;
  descriptor& descriptor_;
  hint<deadline_ns> read_deadline_{never_ns};
  hint<deadline_ns> write_deadline_{never_ns};
  weft::mutex read_turn_, write_turn_;
  bool short_reads_empty_ = false;
  bool is_empty_ = false;  // read_turn_'s
  weft::event gone_;       // the number is the kernel's again
  weft::event closed_;     // and who has closed it does not touch this any more
};

}  // namespace weft::detail
