// Trees of contexts that are made, cancelled, watched and dropped by everybody at once.
#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <stop_token>
#include <utility>
#include <vector>

#include "support.hpp"

namespace {

using namespace std::chrono_literals;

class cancel_storm : public stress::at_processors {};
WEFT_AT_PROCESSORS(cancel_storm);

struct tree {
  weft::context ctx;
  std::function<void()> cancel;
};

/// Contexts that anybody may take as a parent, replace, or cancel.
class orchard {
 public:
  explicit orchard(weft::context root) : root_(std::move(root)), trees_(32, tree{root_, {}}) {}

  weft::context pick(stress::random_source& random) {
    std::lock_guard guard(lock_);
    return trees_[random.below(trees_.size())].ctx;
  }
  /// What stood there is dropped, or cancelled and dropped.
  void replace(stress::random_source& random, tree fresh) {
    tree old;
    {
      std::lock_guard guard(lock_);
      tree& place = trees_[random.below(trees_.size())];
      old = std::exchange(place, std::move(fresh));
    }
    if (old.cancel && random.percent(60)) old.cancel();
  }
  weft::context root() const { return root_; }

 private:
  std::mutex lock_;  // nobody parks while holding it
  const weft::context root_;
  std::vector<tree> trees_;
};

struct counters {
  std::atomic<long> registered{0};
  std::atomic<long> ran{0};
  std::atomic<long> stopped{0};
};

tree grow(const weft::context& parent, stress::random_source& random, std::stop_token token) {
  static const weft::context_key<std::vector<int>> key;
  switch (random.below(5)) {
    case 0: {
      auto [ctx, cancel] = weft::with_timeout(parent, random.tiny_wait());
      return {ctx, cancel};
    }
    case 1: {
      auto [ctx, cancel] = weft::with_cancel_cause(parent);
      return {ctx, [c = cancel] { c(std::runtime_error("felled")); }};
    }
    case 2: {
      auto [ctx, cancel] = weft::with_stop_token(parent, std::move(token));
      return {ctx, cancel};
    }
    case 3: {
      auto [ctx, cancel] = weft::with_cancel(weft::with_value(parent, key, std::vector<int>(9)));
      return {ctx, cancel};
    }
    default: {
      auto [ctx, cancel] = weft::with_cancel(parent);
      return {ctx, cancel};
    }
  }
}

/// A cancelled context says so in every way, whoever cancelled it just now.
void inspect(const weft::context& ctx) {
  if (!ctx.err()) return;
  EXPECT_NE(ctx.cause(), nullptr);
  EXPECT_EQ(ctx.done().try_recv().status(), weft::channel_status::closed);
}

void use(const weft::context& ctx, stress::random_source& random, counters& count) {
  switch (random.below(6)) {
    case 0:
      static_cast<void>(weft::sleep_for(ctx, random.tiny_wait()));
      break;
    case 1:
      ctx.done().recv_for(random.tiny_wait());
      break;
    case 2: {
      ++count.registered;
      auto stop = weft::after_func(ctx, [&count] { ++count.ran; });
      if (random.percent(50) && stop()) ++count.stopped;
      break;
    }
    case 3:
      static_cast<void>(ctx.stop_token().stop_requested());
      break;
    case 4: {
      const weft::chan<int> never;
      weft::select(weft::on_recv(never), weft::on_recv(ctx.done()),
                   weft::on_timeout(random.tiny_wait()));
      break;
    }
    default:
      weft::yield();
  }
  inspect(ctx);
}

TEST_P(cancel_storm, trees_grow_and_fall) {
  stress::repeat([](std::uint64_t seed) {
    counters count;
    {
      auto [root, cancel] = weft::with_cancel(weft::background());
      std::stop_source source;
      orchard trees(root);
      stress::random_source random(seed);
      stress::crew crew;
      for (int i = 0; i < 24; ++i)
        crew.start(i < 4, [&, own = random.next()] {
          stress::random_source choice(own);
          for (int n = 0; n < 120 / stress::slowdown; ++n) {
            const weft::context parent = trees.pick(choice);
            trees.replace(choice, grow(parent, choice, source.get_token()));
            use(parent, choice, count);
          }
        });
      if (random.percent(50)) {
        weft::sleep_for(random.tiny_wait());
        source.request_stop();
      }
      if (random.percent(50)) cancel();
      crew.join();
      cancel();
    }
    // Each registered function ran or was stopped: the root was cancelled, and nobody is left.
    stress::expect_no_goroutines();
    EXPECT_EQ(count.ran + count.stopped, count.registered);
  });
}

/// Producers and consumers under one context: what was sent is what arrived and what is left.
TEST_P(cancel_storm, no_message_is_lost_or_doubled) {
  stress::repeat([](std::uint64_t seed) {
    stress::random_source random(seed);
    const weft::chan<int> c(static_cast<int>(random.below(4)));
    auto [root, cancel] = weft::with_cancel(weft::background());
    std::atomic<long> sent{0};
    std::atomic<long> received{0};
    stress::crew crew;
    for (int i = 0; i < 16; ++i) {
      const bool sends = i % 2 == 0;
      crew.start(i < 4, [&, sends, top = root, own = random.next()] {
        stress::random_source choice(own);
        while (!top.cancelled()) {
          auto [ctx, stop] = weft::with_timeout(top, choice.tiny_wait());
          for (int n = 0; n < 20; ++n) {
            if (sends) {
              const int v = 1 + static_cast<int>(choice.below(1000));
              if (c.send(ctx, v) == weft::channel_status::ok) sent += v;
            } else if (auto v = c.recv(ctx)) {
              received += *v;
            }
          }
        }
      });
    }
    weft::sleep_for(2ms);
    cancel();
    crew.join();
    while (auto v = c.try_recv()) received += *v;
    EXPECT_EQ(sent, received);
  });
}

/// All nodes of a random tree are cancelled at once, from everywhere; each call leaves everything
/// below its node cancelled.
TEST_P(cancel_storm, every_cancel_leaves_all_below_cancelled) {
  stress::repeat([](std::uint64_t seed) {
    stress::random_source random(seed);
    constexpr std::size_t nodes = 200;
    std::vector<weft::context> contexts;
    std::vector<weft::cancel_function> cancels;
    std::vector<std::size_t> above;
    for (std::size_t i = 0; i < nodes; ++i) {
      above.push_back(i == 0 ? 0 : random.below(i));
      auto made = weft::with_cancel(i == 0 ? weft::background() : contexts[above[i]]);
      contexts.push_back(made.ctx);
      cancels.push_back(made.cancel);
    }
    stress::crew crew;
    for (int i = 0; i < 12; ++i)
      crew.start(i < 4, [&, at = random.below(nodes)] {
        cancels[at]();
        std::vector<bool> below(nodes);
        below[at] = true;
        for (std::size_t n = at; n < nodes; ++n) {
          if (n > at) below[n] = below[above[n]];
          EXPECT_TRUE(!below[n] || contexts[n].cancelled());
        }
      });
    crew.join();
  });
}

}  // namespace
