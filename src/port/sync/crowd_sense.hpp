// Whether a thread that finds a lock taken had better stand back for a while.
//
// Two processors at one lock that have nothing else to do slow each other down: each turn takes the
// lock's cache lines, and those of what it guards, to the other one. If one of them leaves the lock
// alone for some microseconds, the other has hundreds of turns in a row as cheap as if it was
// alone. But where goroutines compute between their turns they meet by chance, and a short wait is
// all it takes. What tells the two apart is the share of its time that a thread waits: about half
// of it among those with nothing else to do, a few hundredths among the others.
// Threads: the thread whose it is.
// Tested by: tests/unit/port/sync/crowd_sense_test.cpp
#pragma once

#include <algorithm>

#include <weft/detail/deadline.hpp>

namespace weft::detail {

class crowd_sense {
 public:
  /// A lock is taken. Returns: whether to stand back before the first look at it.
  [[nodiscard]] bool meets_holder(deadline_ns now) noexcept {
    if (turns_left_ > 0) {
      if (--turns_left_ == 0) begin_window(now);
      return true;
    }
    if (++meetings_ < meetings_each) return false;
    const bool crowded = waited_ns_ * share_min > now - since_;
    begin_window(now);
    if (crowded) turns_left_ = turns_each;
    return crowded;
  }

  /// How long it took from then on. Not counted is what a holder takes that has lost its CPU.
  void waited(deadline_ns ns) noexcept { waited_ns_ += std::min(ns, counted_max_ns); }

 private:
  static constexpr int meetings_each = 16;  // for one guess
  static constexpr int share_min = 5;       // a fifth
  static constexpr int turns_each = 64;     // then it finds out whether that is still right
  static constexpr deadline_ns counted_max_ns = 1'000;

  void begin_window(deadline_ns now) noexcept {
    since_ = now;
    meetings_ = 0;
    waited_ns_ = 0;
  }

  deadline_ns since_ = 0;
  deadline_ns waited_ns_ = 0;
  int meetings_ = 0;
  int turns_left_ = 0;
};

}  // namespace weft::detail
