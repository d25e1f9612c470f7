// Each wait is ended once and each link told once, whoever comes and goes meanwhile.
#include "wait/cancel_state.hpp"

#include <deque>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include <weft/cancellation.hpp>

#include "unit_support.hpp"

namespace {

using weft::detail::atomic;
using weft::detail::cancel_link;
using weft::detail::cancel_node;
using weft::detail::cancel_run;
using weft::detail::cancel_state;
using weft::detail::wait_claim;
using weft::detail::waiter;
using weft_test::eventually;
using weft_test::scaled;

/// Counts what happens to it, and can tell others in its turn.
class listener final : public cancel_link {
 public:
  explicit listener(std::string* journal = nullptr, char name = '?')
      : journal_(journal), name_(name) {}

  bool dying = false;
  cancel_state* below = nullptr;
  atomic<int> retained{0};
  atomic<int> cancelled{0};
  atomic<int> told{0};
  atomic<int> settled{0};
  bool settled_on_clock = false;

 private:
  bool try_retain() noexcept override {
    if (dying) return false;
    ++retained;
    return true;
  }
  void on_cancel(cancel_run& run) noexcept override {
    ++cancelled;
    note('c');
    if (below && below->mark_cancelled([] {})) run.tell(*below);
  }
  void on_told() noexcept override {
    ++told;
    note('t');
  }
  void settle(bool on_clock) noexcept override {
    settled_on_clock = on_clock;
    note('s');
    ++settled;
  }
  void note(char step) {
    if (!journal_) return;
    *journal_ += step;
    *journal_ += name_;
  }

  std::string* const journal_;
  const char name_;
};

bool untouched(const listener& l) {
  return l.retained == 0 && l.cancelled == 0 && l.told == 0 && l.settled == 0;
}
bool went_through_once(const listener& l) {
  return l.retained == 1 && l.cancelled == 1 && l.told == 1 && l.settled == 1;
}

TEST(cancel_state, is_cancelled_once) {
  cancel_state state;
  EXPECT_FALSE(state.cancelled());
  EXPECT_TRUE(state.cancel());
  EXPECT_TRUE(state.cancelled());
  EXPECT_FALSE(state.cancel());
}

TEST(cancel_state, runs_what_comes_with_the_mark_once_and_before_anybody_sees_it) {
  cancel_state state;
  int runs = 0;
  EXPECT_TRUE(state.mark_cancelled([&] {
    ++runs;
    EXPECT_FALSE(state.cancelled());
    EXPECT_FALSE(state.lock.try_lock());
  }));
  EXPECT_FALSE(state.mark_cancelled([&] { ++runs; }));
  EXPECT_EQ(runs, 1);
}

TEST(cancel_state, tells_each_link_once) {
  constexpr int links = 1000;  // many times what one turn under the lock may take
  cancel_state state;
  std::deque<listener> all(links);
  for (listener& l : all) ASSERT_TRUE(state.enlist(l));
  EXPECT_TRUE(state.cancel());
  for (const listener& l : all) EXPECT_TRUE(went_through_once(l));
  for (listener& l : all) EXPECT_FALSE(state.delist(l));
  EXPECT_FALSE(state.cancel());
  for (const listener& l : all) EXPECT_TRUE(went_through_once(l));
}

TEST(cancel_state, takes_nobody_on_when_it_is_cancelled) {
  cancel_state state;
  listener late;
  state.cancel();
  EXPECT_FALSE(state.enlist(late));
  EXPECT_FALSE(state.delist(late));
  EXPECT_TRUE(untouched(late));
}

TEST(cancel_state, does_not_tell_who_left) {
  cancel_state state;
  std::deque<listener> all(5);
  for (listener& l : all) ASSERT_TRUE(state.enlist(l));
  for (const std::size_t i : {0U, 2U, 4U}) {
    EXPECT_TRUE(state.delist(all[i]));
    EXPECT_FALSE(state.delist(all[i]));
  }
  state.cancel();
  for (const std::size_t i : {0U, 2U, 4U}) EXPECT_TRUE(untouched(all[i]));
  for (const std::size_t i : {1U, 3U}) EXPECT_TRUE(went_through_once(all[i]));
}

TEST(cancel_state, takes_back_who_left_before) {
  cancel_state state;
  listener l;
  ASSERT_TRUE(state.enlist(l));
  ASSERT_TRUE(state.delist(l));
  ASSERT_TRUE(state.enlist(l));
  state.cancel();
  EXPECT_TRUE(went_through_once(l));
}

TEST(cancel_state, passes_over_who_is_being_destroyed) {
  cancel_state state;
  listener dying;
  listener other;
  dying.dying = true;
  ASSERT_TRUE(state.enlist(dying));
  ASSERT_TRUE(state.enlist(other));
  state.cancel();
  EXPECT_TRUE(untouched(dying));
  EXPECT_TRUE(went_through_once(other));
  EXPECT_FALSE(state.delist(dying));  // its destructor finds it off the list
}

TEST(cancel_state, ends_each_step_for_all_before_the_next) {
  cancel_state root;
  cancel_state middle;
  std::string journal;
  listener a(&journal, 'A');
  listener b(&journal, 'B');
  listener below_a(&journal, 'x');
  a.below = &middle;
  ASSERT_TRUE(root.enlist(a));
  ASSERT_TRUE(root.enlist(b));
  ASSERT_TRUE(middle.enlist(below_a));
  root.cancel();
  EXPECT_EQ(journal, "cAcBcxtAtBtxsAsBsx");
  EXPECT_FALSE(below_a.settled_on_clock);
}

TEST(cancel_state, says_on_whose_behalf_it_is_cancelled) {
  cancel_state state;
  listener l;
  ASSERT_TRUE(state.enlist(l));
  ASSERT_TRUE(state.mark_cancelled([] {}));
  cancel_run run(true);
  run.tell(state);
  run.tell_links();
  EXPECT_EQ(l.settled, 0);
  run.settle();
  EXPECT_TRUE(went_through_once(l));
  EXPECT_TRUE(l.settled_on_clock);
}

/// A chain as long as this overflows any stack if it is told by recursion.
TEST(cancel_state, tells_a_long_chain) {
  constexpr std::size_t length = 200'000;
  std::deque<cancel_state> states(length + 1);
  std::deque<listener> links(length);
  for (std::size_t i = 0; i < length; ++i) {
    links[i].below = &states[i + 1];
    ASSERT_TRUE(states[i].enlist(links[i]));
  }
  states[0].cancel();
  for (const cancel_state& s : states) ASSERT_TRUE(s.cancelled());
  for (const listener& l : links) ASSERT_TRUE(went_through_once(l));
}

TEST(cancel_state, gives_a_link_to_who_asks) {
  cancel_state state;
  listener first;
  listener second;
  cancel_link* taken = nullptr;
  EXPECT_FALSE(state.take_link(taken));
  ASSERT_TRUE(state.enlist(first));
  ASSERT_TRUE(state.enlist(second));
  ASSERT_TRUE(state.take_link(taken));
  EXPECT_EQ(taken, &first);
  EXPECT_EQ(first.retained, 1);
  EXPECT_FALSE(state.delist(first));
  state.cancel();
  EXPECT_EQ(first.cancelled, 0);
  EXPECT_TRUE(went_through_once(second));
}

/// What is being destroyed may still ask its state to let it go: the state must outlast that.
TEST(cancel_state, waits_until_who_is_being_destroyed_has_left) {
  for (int round = 0; round < scaled(200); ++round) {
    auto state = std::make_unique<cancel_state>();
    auto link = std::make_unique<listener>();
    link->dying = true;
    ASSERT_TRUE(state->enlist(*link));
    std::thread destroyer([&] {
      EXPECT_TRUE(state->delist(*link));
      link.reset();
    });
    cancel_link* taken = nullptr;
    EXPECT_FALSE(state->take_link(taken));
    state.reset();
    destroyer.join();
  }
}

/// A parked thread that counts by whom it was claimed. The tests make it ready by hand.
struct sleeper : waiter {
  sleeper() : waiter(kind::thread) {}
};

TEST(cancel_state, leaves_alone_who_was_claimed_by_somebody_else) {
  cancel_state state;
  sleeper who;  // making it ready would touch what is no parked thread: sanitizers would see it
  wait_claim claim;
  cancel_node node;
  node.who = &who;
  node.claim = &claim;
  state.lock.lock();
  state.enlist_locked(node);
  state.lock.unlock();
  ASSERT_TRUE(claim.try_claim(7));
  state.cancel();
  EXPECT_EQ(claim.winner(), 7U);
  EXPECT_FALSE(node.queued);
  state.delist(node);  // does nothing any more
}

TEST(cancel_state, does_not_touch_a_wait_that_left) {
  cancel_state state;
  sleeper who;
  wait_claim claim;
  cancel_node node;
  node.who = &who;
  node.claim = &claim;
  state.lock.lock();
  state.enlist_locked(node);
  state.lock.unlock();
  state.delist(node);
  EXPECT_FALSE(node.queued);
  state.cancel();
  EXPECT_EQ(claim.winner(), wait_claim::nobody);
}

class cancel_state_threads : public unit::at_counts {};
WEFT_AT_COUNTS(cancel_state_threads);

/// Links come and go while several cancel: each is told, or left, or was refused; one of them.
TEST_P(cancel_state_threads, agree_on_what_became_of_each_link) {
  constexpr int links_each = 200;
  const int threads = GetParam();
  for (int round = 0; round < scaled(100); ++round) {
    cancel_state state;
    atomic<int> first{0};
    atomic<int> wrong{0};
    unit::on_threads(threads + 2, [&](int self) {
      if (self >= threads) {
        if (self == threads)
          for (int i = 0; i < round * 10; ++i) weft::yield();
        first += state.cancel() ? 1 : 0;
        return;
      }
      std::deque<listener> own(links_each);
      std::vector<int> fate(links_each);
      for (std::size_t i = 0; i < own.size(); ++i) {
        const bool in = state.enlist(own[i]);
        fate[i] = !in ? 1 : (i % 2 == 0 && state.delist(own[i])) ? 2 : 3;
      }
      for (std::size_t i = 0; i < own.size(); ++i) {
        if (fate[i] == 3) {
          if (!eventually([&] { return own[i].settled == 1; })) ++wrong;
          if (!went_through_once(own[i])) ++wrong;
        } else if (!untouched(own[i])) {
          ++wrong;
        }
      }
    });
    EXPECT_EQ(first, 1);
    EXPECT_EQ(wrong, 0);
  }
}

TEST(stop_bridge, is_cancelled_with_its_token) {
  std::stop_source source;
  weft::detail::stop_bridge bridge(source.get_token());
  EXPECT_FALSE(weft::detail::is_cancelled(bridge.state()));
  source.request_stop();
  EXPECT_TRUE(weft::detail::is_cancelled(bridge.state()));
}

TEST(stop_bridge, of_a_stopped_token_is_cancelled_from_the_start) {
  std::stop_source source;
  source.request_stop();
  const weft::cancellation c(source.get_token());
  EXPECT_TRUE(c.cancelled());
}

TEST(stop_bridge, costs_nothing_for_a_token_that_cannot_be_stopped) {
  const std::stop_token never;
  const weft::cancellation c(never);
  EXPECT_EQ(c.state(), nullptr);
  EXPECT_FALSE(c.cancelled());
  EXPECT_TRUE(c.bound().unbounded());
}

TEST(stop_bridge, may_end_while_its_token_is_stopped) {
  for (int round = 0; round < scaled(300); ++round) {
    std::stop_source source;
    std::thread stopper([&] { source.request_stop(); });
    for (bool stopped = false; !stopped;) {
      const weft::cancellation c(source.get_token());
      stopped = c.cancelled();
    }
    stopper.join();
  }
}

}  // namespace
