// How many switches a worker makes between two looks at what is not its goroutine's: timers,
// descriptors, what was injected. To read the clock takes as long as two switches, so there are
// many between two looks where turns are short; and one where a turn is longer than a timer should
// be late.
//
// Threads: the processor's owner.
// Tested by: tests/unit/sched/housekeeping_test.cpp
#pragma once

#include <algorithm>

#include <weft/detail/deadline.hpp>

namespace weft::detail {

class housekeeping_pace {
 public:
  /// Once for each switch: whether it is time for a look. Then one of the begin_round() follows.
  [[gnu::always_inline]] bool is_due() noexcept { return --left_ <= 0; }

  /// At a look: whether so many switches have been made since this was true before.
  bool have_passed(int turns) noexcept {
    passed_ += turns_;
    if (passed_ < turns) return false;
    passed_ = 0;
    return true;
  }

  /// There was nothing to look after, and the clock has not been read.
  void begin_round() noexcept {
    began_ = 0;
    turns_ = std::min(2 * turns_, usual_turns);
    left_ = turns_;
  }
  /// So that this one takes about `round_ns`, if turns go on as they were.
  void begin_round(deadline_ns now) noexcept {
    if (began_ != 0) {
      const deadline_ns took = std::max<deadline_ns>(now - began_, 1);
      const deadline_ns fit = turns_ * round_ns / took;
      turns_ = static_cast<int>(std::clamp<deadline_ns>(fit, 1, std::min(2 * turns_, most_turns)));
    }
    began_ = now;
    left_ = turns_;
  }
  static constexpr deadline_ns round_ns = 2'000;
  static constexpr int usual_turns = 16;
  static constexpr int most_turns = 64;

 private:
  int turns_ = usual_turns;
  int left_ = usual_turns;
  int passed_ = 0;
  deadline_ns began_ = 0;  // 0: the clock has not been read then
};

}  // namespace weft::detail
