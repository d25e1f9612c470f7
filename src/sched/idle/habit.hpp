// What the lookout guesses from how the last waits ended: whether to look about for a moment before
// it falls asleep, and how late it will wake up.
//
// To fall asleep and be woken takes several microseconds, on a virtual machine tens of them. What
// keeps coming sooner than that is better met awake. But one that looks in vain may have taken that
// time from the very one it waits for: it wants more evidence before it looks again.
// Threads: a habit is the lookout's; while the role changes hands two write it, and a guess may get
//          lost. A lateness is its worker's own.
// Tested by: tests/unit/sched/habit_test.cpp
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include <weft/detail/atomic.hpp>
#include <weft/detail/deadline.hpp>

namespace weft::detail {

class looking_habit {
 public:
  bool wants() const noexcept { return wants_.read(); }

  /// It slept, and what it waited for came so soon that it had better been awake.
  void came_soon() noexcept {
    soon_.bump();
    if (soon_.read() >= needed_.read()) wants_.write(true);
  }
  /// It slept, and rightly.
  void came_late() noexcept { soon_.write(0); }
  /// It looked, and it came.
  void found() noexcept {
    vain_.write(0);
    if (needed_.read() > least) needed_.write(needed_.read() / 2);
  }
  /// It looked, and nothing came.
  void in_vain() noexcept {
    vain_.bump();
    if (vain_.read() >= patient_for) did_harm();
  }
  /// It had better not have looked.
  void did_harm() noexcept {
    wants_.write(false);
    soon_.write(0);
    vain_.write(0);
    needed_.write(std::min(2 * needed_.read(), most));
  }

 private:
  static constexpr std::uint32_t least = 2;
  static constexpr std::uint32_t most = 128;
  static constexpr std::uint32_t patient_for = 3;

  hint<bool> wants_{false};
  hint<std::uint32_t> soon_{0};  // in a row
  hint<std::uint32_t> vain_{0};  // in a row
  hint<std::uint32_t> needed_{least};
};

/// Whether to steal at this nap. When it has not paid, it is tried at every eighth nap only, then
/// at every 64th.
class stealing_habit {
 public:
  bool may_steal() noexcept {
    naps_.bump();
    return naps_.read() % every_.read() == 0;
  }
  void did() noexcept {
    if (every_.read() > 1) every_.write(every_.read() / 2);
  }
  void did_not() noexcept { every_.write(std::min(8 * every_.read(), most)); }

 private:
  static constexpr std::uint32_t most = 64;
  hint<std::uint32_t> naps_{0};
  hint<std::uint32_t> every_{1};
};

/// Whether timers fire so often that it is cheaper to be late for some than to meet each: one sleep
/// instead of dozens, and whom it wakes are woken together. Forgotten after half a millisecond.
class rush_habit {
 public:
  /// How much later than the next timer the lookout may wake up.
  deadline_ns slack_ns(deadline_ns now) const noexcept {
    return often_.wants() && now - last_.read() < memory_ns ? most_ns : 0;
  }
  /// A sleep until then is over, and `count` have been waiting.
  void judge(std::size_t count) noexcept { count >= worth_it ? often_.found() : often_.in_vain(); }

  /// `count` have fired together.
  void note(std::size_t count, deadline_ns now) noexcept {
    if (count == 0) return;
    last_.write(now);
    fired_.write(fired_.read() + count);
    const deadline_ns elapsed = now - since_.read();
    if (elapsed < window_ns) return;
    const bool often = static_cast<deadline_ns>(fired_.read()) * apart_ns >= elapsed;
    often ? often_.came_soon() : often_.came_late();
    since_.write(now);
    fired_.write(0);
  }

 private:
  static constexpr deadline_ns most_ns = 50'000;  // what Linux allows itself by default
  static constexpr deadline_ns window_ns = 200'000;
  static constexpr deadline_ns memory_ns = 500'000;
  static constexpr deadline_ns apart_ns = 5'000;
  static constexpr std::size_t worth_it = 10;

  looking_habit often_;
  hint<deadline_ns> last_{0};
  hint<deadline_ns> since_{0};
  hint<std::size_t> fired_{0};
};

/// How much later than asked the kernel wakes this thread, about.
class lateness {
 public:
  /// How much earlier to ask for. Bounded: what comes early is spent looking about. (Virtual
  /// machines are 15 us late. To allow for 8 of them made sleeps 7 to 13 us late, for as much CPU.)
  deadline_ns allowance_ns() const noexcept { return average_ns_; }

  void note(deadline_ns late_ns) noexcept {
    average_ns_ += (std::clamp<deadline_ns>(late_ns, 0, most_ns) - average_ns_) / 8;
  }

 private:
  static constexpr deadline_ns most_ns = 24'000;
  deadline_ns average_ns_ = 0;
};

}  // namespace weft::detail
