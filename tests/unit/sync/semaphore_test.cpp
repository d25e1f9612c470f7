// The semaphore's word and line, against a slow model of them.
#include <weft/detail/sync/semaphore_core.hpp>

#include <algorithm>
#include <cstddef>
#include <deque>
#include <memory>
#include <vector>

#include "port/clock.hpp"
#include "sched/scheduler.hpp"
#include "unit_support.hpp"
#include "wait/cancel_state.hpp"

namespace {

using weft::detail::atomic;
using weft::detail::cancel_state;
using weft::detail::now_ns;
using weft::detail::semaphore_core;
using weft_test::scaled;

using semaphore_cores = weft_test::fixture;

TEST_F(semaphore_cores, fast_paths_do_what_fits_and_nothing_else) {
  semaphore_core s(3);
  EXPECT_FALSE(s.take_quickly(4));
  EXPECT_FALSE(s.take_quickly(-1));
  EXPECT_FALSE(s.give_back_quickly(1));
  EXPECT_FALSE(s.give_back_quickly(-1));
  EXPECT_TRUE(s.take_quickly(3));
  EXPECT_FALSE(s.take_quickly(1));
  EXPECT_FALSE(s.give_back_quickly(4));
  EXPECT_TRUE(s.give_back_quickly(1));
  EXPECT_TRUE(s.take_quickly(1));
  EXPECT_TRUE(s.give_back_quickly(3));
}

TEST_F(semaphore_cores, forget_that_somebody_waited) {
  weft_test::everywhere([] {
    semaphore_core s(2);
    EXPECT_TRUE(s.take_quickly(1));
    EXPECT_FALSE(s.take(2, {.deadline = now_ns() + 50'000}));
    EXPECT_TRUE(s.take_quickly(1)) << "the waits bit is still set";
    s.give_back(2);
  });
}

/// First come, first served, as a list says it.
class model {
 public:
  explicit model(std::ptrdiff_t size) : free_(size) {}
  void ask(int who, std::ptrdiff_t n) {
    line_.push_back({who, n});
    serve();
  }
  void give_up(int who) {
    std::erase_if(line_, [=](const request& r) { return r.who == who; });
    serve();
  }
  void give_back(std::ptrdiff_t n) {
    free_ += n;
    serve();
  }
  bool waits(int who) const {
    return std::ranges::any_of(line_, [=](const request& r) { return r.who == who; });
  }

 private:
  struct request {
    int who;
    std::ptrdiff_t n;
  };
  void serve() {
    for (; !line_.empty() && line_.front().n <= free_; line_.pop_front()) free_ -= line_.front().n;
  }
  std::ptrdiff_t free_;
  std::deque<request> line_;
};

/// On one processor each step is over before the next: what each request became must be what the
/// model says.
TEST_F(semaphore_cores, do_as_the_model_does) {
  constexpr int size = 6;
  weft_test::on_one_processor([] {
    unit::sequence random(20261122);
    for (int round = 0; round < scaled(300); ++round) {
      semaphore_core s(size);
      model m(size);
      enum class state { absent, waiting, holding };
      struct client {
        state is = state::absent;
        std::ptrdiff_t n = 0;
        std::unique_ptr<cancel_state> cancel;
        bool at_the_door = false;
      };
      std::vector<client> clients(5);
      const weft::wait_group wg;
      for (int step = 0; step < 40; ++step) {
        const int who = unit::below(random, 5);
        client& c = clients[static_cast<std::size_t>(who)];
        if (c.is == state::absent) {
          c.n = unit::below(random, size + 1);
          c.is = state::waiting;
          c.at_the_door = false;
          c.cancel = std::make_unique<cancel_state>();
          wg.go([&] {
            c.at_the_door = true;
            c.is = s.take(c.n, {.cancel = c.cancel.get()}) ? state::holding : state::absent;
          });
          m.ask(who, c.n);
        } else if (c.is == state::waiting) {
          c.cancel->cancel();
          m.give_up(who);
        } else {
          s.give_back(c.n);
          c.is = state::absent;
          m.give_back(c.n);
        }
        // On one processor, who is at the door when another runs has gone in or stands in the line.
        while (c.is == state::waiting && !c.at_the_door) weft::yield();
        EXPECT_TRUE(weft_test::eventually([&] {
          for (int i = 0; i < 5; ++i)
            if ((clients[static_cast<std::size_t>(i)].is == state::waiting) != m.waits(i))
              return false;
          return true;
        }));
        weft::yield();
        for (int i = 0; i < 5; ++i)
          ASSERT_EQ(clients[static_cast<std::size_t>(i)].is == state::waiting, m.waits(i))
              << "round " << round << ", step " << step << ", client " << i;
      }
      for (client& c : clients)
        if (c.is == state::waiting) c.cancel->cancel();
      wg.wait();
      for (client& c : clients)
        if (c.is == state::holding) s.give_back(c.n);
      ASSERT_TRUE(s.take_quickly(size)) << "permits were lost in round " << round;
      ASSERT_TRUE(s.give_back_quickly(size));
    }
  });
}

class semaphore_at : public unit::at_counts {};

TEST_P(semaphore_at, threads_exclude_each_other) {
  semaphore_core s(1);
  int inside = 0;
  unit::on_threads(GetParam(), [&](int) {
    for (int i = 0; i < scaled(20'000); ++i) {
      EXPECT_TRUE(s.take_quickly(1) || s.take(1, {}));
      ASSERT_EQ(++inside, 1);
      --inside;
      if (!s.give_back_quickly(1)) s.give_back(1);
    }
  });
  EXPECT_TRUE(s.take_quickly(1));
}
WEFT_AT_COUNTS(semaphore_at);

}  // namespace
