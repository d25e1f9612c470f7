// The timer heap against std::multimap, then with several threads that arm, disarm, fire and move.
#include "engine/timer_heap.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "unit_support.hpp"

namespace {

using weft::detail::deadline_ns;
using weft::detail::never_ns;
using weft::detail::timed_action;
using weft::detail::timed_wake;
using weft::detail::timer_heap;
using weft::detail::wait_claim;
using weft::detail::waiter;
using weft::detail::wake_list;
using weft_test::scaled;

/// A waiter with one wait that a timer may end.
struct sleeper : waiter {
  sleeper() : waiter(kind::thread) {}
  wait_claim claim;
  std::optional<timed_wake> timer;

  timed_wake& begin() {
    // Safety: no heap holds the old one; a claim is for one wait.
    std::destroy_at(&claim);
    std::construct_at(&claim);
    timer.emplace(*this, claim);
    return *timer;
  }
};

std::vector<waiter*> collect(timer_heap& heap, deadline_ns now) {
  wake_list woken;
  heap.collect_due(now, woken);
  std::vector<waiter*> all;
  while (waiter* w = woken.pop_front()) all.push_back(w);
  return all;
}

TEST(timer_heap, an_empty_one_has_nothing_due_ever) {
  timer_heap heap;
  EXPECT_EQ(heap.earliest(), never_ns);
  EXPECT_TRUE(collect(heap, never_ns - 1).empty());
}

TEST(timer_heap, wakes_at_the_time_and_not_a_nanosecond_before) {
  timer_heap heap;
  sleeper s;
  heap.arm(s.begin(), 1'000);
  EXPECT_EQ(heap.earliest(), 1'000);
  EXPECT_TRUE(collect(heap, 999).empty());
  EXPECT_EQ(collect(heap, 1'000), std::vector<waiter*>{&s});
  EXPECT_EQ(s.claim.winner(), timed_wake::claimed_by_timer);
  EXPECT_EQ(heap.earliest(), never_ns);
  EXPECT_FALSE(timer_heap::disarm(*s.timer));
}

TEST(timer_heap, does_not_wake_whom_another_has_claimed) {
  timer_heap heap;
  sleeper s;
  heap.arm(s.begin(), 5);
  ASSERT_TRUE(s.claim.try_claim(3));
  EXPECT_TRUE(collect(heap, 10).empty());
  EXPECT_EQ(s.claim.winner(), 3U);
}

TEST(timer_heap, disarming_tells_whether_it_was_armed) {
  timer_heap heap;
  sleeper s;
  s.begin();
  EXPECT_FALSE(timer_heap::disarm(*s.timer));
  heap.arm(*s.timer, 5);
  EXPECT_TRUE(timer_heap::disarm(*s.timer));
  EXPECT_FALSE(timer_heap::disarm(*s.timer));
  EXPECT_TRUE(collect(heap, 10).empty());
  EXPECT_EQ(s.claim.winner(), wait_claim::nobody);
}

/// Random operations on two heaps; the oracle knows which node stands where with which time.
class walk {
 public:
  /// `unit`: of time; the larger, the more of them stand in the wheel, and the higher.
  explicit walk(deadline_ns unit) : unit_(unit) {}

  void step(unit::sequence& s) {
    const auto heap = static_cast<std::size_t>(unit::below(s, 2));
    sleeper& one = sleepers_[static_cast<std::size_t>(unit::below(s, count))];
    const int what = unit::below(s, 100);
    if (what < 55)
      arm(one, heap, now_ + (unit::below(s, 1'000) - 50) * unit_ + unit::below(s, 3));
    else if (what < 80)
      disarm(one);
    else if (what < 98)
      advance(heap, unit::below(s, 60) * unit_);
    else
      move(heap);
    for (std::size_t i : {0U, 1U}) {
      ASSERT_EQ(heaps_[i].earliest() == never_ns, due_[i].empty());
      if (!due_[i].empty()) {
        ASSERT_LE(heaps_[i].earliest(), due_[i].begin()->first);
      }
    }
  }

 private:
  using schedule = std::multimap<deadline_ns, sleeper*>;
  static constexpr int count = 60;

  bool forget(sleeper& one) {
    for (schedule& each : due_)
      for (auto at = each.begin(); at != each.end(); ++at)
        if (at->second == &one) {
          each.erase(at);
          return true;
        }
    return false;
  }
  void arm(sleeper& one, std::size_t heap, deadline_ns when) {
    if (one.timer) disarm(one);
    heaps_[heap].arm(one.begin(), when);
    due_[heap].emplace(when, &one);
  }
  void disarm(sleeper& one) {
    if (!one.timer) return;
    ASSERT_EQ(timer_heap::disarm(*one.timer), forget(one));
  }
  void advance(std::size_t heap, deadline_ns by) {
    now_ += by;
    const std::vector<waiter*> woken = collect(heaps_[heap], now_);
    schedule& expected = due_[heap];
    deadline_ns before = INT64_MIN;
    for (waiter* w : woken) {
      const auto found = std::find_if(expected.begin(), expected.end(),
                                      [w](const auto& entry) { return entry.second == w; });
      ASSERT_NE(found, expected.end()) << "woke somebody who was not armed";
      ASSERT_LE(found->first, now_) << "woke too early";
      ASSERT_GE(found->first, before) << "woke out of order";
      before = found->first;
      expected.erase(found);
    }
    ASSERT_TRUE(expected.empty() || expected.begin()->first > now_) << "forgot to wake";
    ASSERT_GT(heaps_[heap].earliest(), now_) << "would be asked again and again";
  }
  void move(std::size_t from) {
    heaps_[from].move_all_to(heaps_[1 - from]);
    due_[1 - from].merge(due_[from]);
  }

  std::array<timer_heap, 2> heaps_;
  std::array<schedule, 2> due_;
  std::array<sleeper, count> sleepers_;
  const deadline_ns unit_;
  deadline_ns now_ = 0;
};

TEST(timer_heap, does_what_a_multimap_does) {
  for (const deadline_ns unit : {1LL, 700LL, 70'000LL, 7'000'000LL, 7'000'000'000LL})
    for (unsigned seed = 1; seed <= 5 && !HasFailure(); ++seed) {
      unit::sequence s(seed);
      walk w(unit);
      for (int i = 0; i < scaled(10'000) && !HasFailure(); ++i) w.step(s);
    }
}

TEST(timer_heap, knows_what_is_earliest_at_any_distance) {
  for (int bits = 0; bits < 62; ++bits) {
    timer_heap heap;
    sleeper first;
    sleeper second;
    const deadline_ns when = deadline_ns{1} << bits;
    heap.arm(second.begin(), when + 1);
    heap.arm(first.begin(), when);
    EXPECT_EQ(heap.earliest(), when);
    EXPECT_TRUE(collect(heap, when - 1).empty());
    EXPECT_EQ(heap.earliest(), when);
    EXPECT_EQ(collect(heap, when), std::vector<waiter*>{&first});
    EXPECT_EQ(heap.earliest(), when + 1);
    EXPECT_EQ(collect(heap, never_ns - 1), std::vector<waiter*>{&second});
    EXPECT_EQ(heap.earliest(), never_ns);
  }
}

/// Its time is a hint that may be too early for one look, not for two.
TEST(timer_heap, forgets_the_time_of_one_that_was_disarmed_at_the_next_look) {
  timer_heap heap;
  sleeper first;
  sleeper second;
  heap.arm(first.begin(), 10'000'000'000);
  heap.arm(second.begin(), 10'000'500'000);
  ASSERT_TRUE(timer_heap::disarm(*first.timer));
  EXPECT_LE(heap.earliest(), 10'000'500'000);
  EXPECT_TRUE(collect(heap, 10'000'000'000).empty());
  EXPECT_EQ(heap.earliest(), 10'000'500'000);
}

/// Sorted, reversed and equal times are the worst shapes of a heap made of links.
TEST(timer_heap, takes_a_hundred_thousand_in_any_shape) {
  constexpr std::size_t count = 100'000;
  const std::unique_ptr<sleeper[]> all(new sleeper[count]);
  for (const int shape : {-1, 0, 1}) {
    timer_heap heap;
    for (std::size_t i = 0; i < count; ++i)
      heap.arm(all[i].begin(), shape * static_cast<deadline_ns>(i) + 1'000'000);
    for (std::size_t i = 0; i < count; i += 3) ASSERT_TRUE(timer_heap::disarm(*all[i].timer));
    EXPECT_EQ(collect(heap, 2'000'000).size(), count - (count + 2) / 3);
  }
}

/// Notes when it fires.
class action final : public timed_action {
 public:
  struct firing {
    deadline_ns due;
    std::uint64_t epoch;
    bool operator==(const firing&) const = default;
  };

  bool try_retain() noexcept override {
    if (!alive) return false;
    ++held;
    return true;
  }
  void release() noexcept override { --held; }
  void fire(deadline_ns due, std::uint64_t epoch, wake_list& woken) noexcept override {
    EXPECT_EQ(held, 1);
    firings.push_back({due, epoch});
    if (wakes) woken.push_back(std::exchange(wakes, nullptr));
    if (again) std::exchange(again, nullptr)->arm(*this, due + 1, 0, epoch + 1);
  }

  std::vector<firing> firings;
  waiter* wakes = nullptr;
  timer_heap* again = nullptr;
  int held = 0;
  bool alive = true;
};

using firings = std::vector<action::firing>;

TEST(timed_action, fires_once_with_its_time_and_its_epoch) {
  timer_heap heap;
  action a;
  sleeper s;
  a.wakes = &s;
  heap.arm(a, 100, 0, 9);
  EXPECT_EQ(collect(heap, 150), std::vector<waiter*>{&s});
  EXPECT_EQ(collect(heap, 1'000), std::vector<waiter*>{});
  EXPECT_EQ(a.firings, (firings{{100, 9}}));
  EXPECT_EQ(a.held, 0);
}

TEST(timed_action, that_is_being_destroyed_is_dropped) {
  timer_heap heap;
  action a;
  a.alive = false;
  heap.arm(a, 100, 10, 0);
  EXPECT_TRUE(collect(heap, 150).empty());
  EXPECT_TRUE(a.firings.empty());
  EXPECT_EQ(heap.earliest(), never_ns);
}

TEST(timed_action, may_arm_itself_again_while_it_fires) {
  timer_heap heap;
  action a;
  a.again = &heap;
  heap.arm(a, 100, 0, 0);
  collect(heap, 200);
  EXPECT_EQ(a.firings, (firings{{100, 0}, {101, 1}}));
}

TEST(timed_action, a_periodic_one_keeps_its_phase_and_fires_once_for_all_it_missed) {
  timer_heap heap;
  action a;
  heap.arm(a, 100, 10, 4);
  for (const deadline_ns now : {99, 100, 105, 110, 147, 149, 150, 160}) collect(heap, now);
  EXPECT_EQ(a.firings, (firings{{100, 4}, {110, 4}, {120, 4}, {150, 4}, {160, 4}}));
  EXPECT_EQ(heap.earliest(), 170);
  EXPECT_TRUE(timer_heap::disarm(a));
  collect(heap, 10'000);
  EXPECT_EQ(a.firings.size(), 5U);
}

TEST(timed_action, a_period_that_overflows_the_clock_ends_there) {
  timer_heap heap;
  action a;
  heap.arm(a, 100, never_ns - 50, 0);
  collect(heap, 200);
  EXPECT_EQ(a.firings.size(), 1U);
  EXPECT_EQ(heap.earliest(), never_ns);
  EXPECT_TRUE(timer_heap::disarm(a));
}

TEST(timed_action, keeps_period_and_epoch_when_it_moves) {
  timer_heap from;
  timer_heap to;
  action a;
  from.arm(a, 100, 10, 6);
  from.move_all_to(to);
  EXPECT_EQ(from.earliest(), never_ns);
  collect(to, 100);
  collect(to, 110);
  EXPECT_EQ(a.firings, (firings{{100, 6}, {110, 6}}));
  EXPECT_TRUE(timer_heap::disarm(a));
}

class timer_heap_by_threads : public unit::at_counts {};
WEFT_AT_COUNTS(timer_heap_by_threads);

/// Each thread arms wakes that stand on its own stack and disarms them again, while one thread
/// fires and two move everything, one each way. After disarm() nobody may touch the node, and
/// whoever the timer claimed is woken exactly once.
TEST_P(timer_heap_by_threads, after_disarm_nobody_touches_the_node) {
  timer_heap heaps[2];
  weft::detail::atomic<int> arming{GetParam()};
  weft::detail::atomic<int> claimed{0};
  weft::detail::atomic<int> woken_count{0};
  std::vector<std::unique_ptr<sleeper[]>> sleepers(static_cast<std::size_t>(GetParam()));
  const int rounds = scaled(30'000);
  for (auto& each : sleepers) each.reset(new sleeper[static_cast<std::size_t>(rounds)]);
  unit::on_threads(GetParam() + 3, [&](int number) {
    if (number < GetParam()) {
      unit::sequence s(static_cast<unsigned>(number + 1));
      for (int i = 0; i < rounds; ++i) {
        sleeper& mine = sleepers[static_cast<std::size_t>(number)][static_cast<std::size_t>(i)];
        timed_wake node(mine, mine.claim);
        heaps[unit::below(s, 2)].arm(node, unit::below(s, 100));
        if (unit::below(s, 4) == 0) std::this_thread::yield();
        timer_heap::disarm(node);
        claimed += mine.claim.winner() == timed_wake::claimed_by_timer;
      }
      --arming;
      return;
    }
    while (arming.load() > 0) {
      if (number == GetParam())
        for (timer_heap& heap : heaps) woken_count += static_cast<int>(collect(heap, 50).size());
      else
        heaps[number % 2].move_all_to(heaps[1 - number % 2]);
      std::this_thread::yield();
    }
  });
  for (timer_heap& heap : heaps) EXPECT_TRUE(collect(heap, 1'000).empty());
  EXPECT_EQ(woken_count.load(), claimed.load());
}

}  // namespace
