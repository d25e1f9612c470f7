// Contexts: whoever cancels, every descendant is told, and every wait ends.
#include <chrono>
#include <functional>
#include <vector>

#include "scenarios.hpp"

namespace soak {
namespace {

using namespace std::chrono_literals;

struct branch {
  weft::context ctx;
  std::function<void()> cancel;
  std::size_t parent;
};

std::vector<branch> grow_tree(random_source& random, std::size_t size) {
  static const weft::context_key<std::size_t> depth;
  std::vector<branch> tree;
  const auto root = weft::with_cancel(weft::background());
  tree.push_back({root.ctx, root.cancel, 0});
  while (tree.size() < size) {
    const std::size_t at = random.below(tree.size());
    const weft::context parent = tree[at].ctx;
    if (random.percent(20)) {
      const auto child = weft::with_timeout(parent, 1h);
      tree.push_back({child.ctx, child.cancel, at});
    } else if (random.percent(15)) {
      const auto child = weft::with_value(parent, depth, tree.size());
      tree.push_back({child, [] {}, at});
    } else {
      const auto child = weft::with_cancel(parent);
      tree.push_back({child.ctx, child.cancel, at});
    }
  }
  return tree;
}

}  // namespace

void context_tree(scene& s) {
  auto tree = grow_tree(s.random(), s.random().between(2, scaled(100) + 2));
  std::vector<std::atomic<int>> told(tree.size());
  crew waiting(s, 5);
  for (std::size_t i = 0; i < tree.size(); ++i) {
    if (s.random().percent(40))
      waiting.start([ctx = tree[i].ctx, &told, i](random_source random) {
        if (random.percent(50))
          ctx.done().recv();
        else
          weft::select(weft::on_done(ctx), weft::on_recv(weft::chan<int>(nullptr)));
        ++told[i];
      });
    else
      ++told[i];
  }
  s.at("cancelling");
  {
    crew cancelling(s);
    for (std::size_t i = s.random().between(1, 4); i-- > 0;)
      cancelling.start([&](random_source random) {
        for (int n = 0; n < 3; ++n) {
          const std::size_t at = 1 + random.below(tree.size() - 1);
          tree[at].cancel();
          s.step();
        }
      });
  }
  for (std::size_t i = 1; i < tree.size(); ++i)
    s.check(!tree[tree[i].parent].ctx.cancelled() || tree[i].ctx.cancelled(),
            "a parent is cancelled and its child is not");
  s.at("waiting for those who were told");
  tree[0].cancel();
  waiting.join();
  for (const branch& b : tree) s.check(b.ctx.cancelled(), "the root is cancelled, a node is not");
  for (const auto& times : told) s.check(times == 1, "a waiter was not told once");
}

/// Many wait on everything that there is; a cancellation ends all of it and breaks nothing.
void cancelled_waits(scene& s) {
  const auto [ctx, cancel] = weft::with_cancel(weft::background());
  const weft::chan<int> empty;
  weft::mutex held;
  weft::semaphore taken(1);
  weft::event never;
  const weft::wait_group counted;
  counted.add();
  held.lock();
  taken.acquire();
  {
    crew waiting(s);
    for (std::size_t i = s.random().between(3, scaled(60) + 3); i-- > 0;)
      waiting.start([&, &on = ctx](random_source random) {
        bool got = false;
        switch (random.below(7)) {
          case 0:
            got = empty.recv(on).status() != weft::channel_status::cancelled;
            break;
          case 1:
            got = empty.recv(on).status() == weft::channel_status::ok;
            break;
          case 2:
            got = held.lock(on);
            break;
          case 3:
            got = taken.acquire(on);
            break;
          case 4:
            got = never.wait(on);
            break;
          case 5:
            got = counted.wait(on);
            break;
          default:
            got = weft::sleep_for(on, 1h);
            break;
        }
        s.check(!got, "a wait ended well that could not");
        s.step();
      });
    s.at("cancelling");
    if (s.random().percent(50)) weft::sleep_for(s.random().tiny_wait());
    cancel();
  }
  s.at("using what was waited for");
  held.unlock();
  taken.release();
  counted.done();
  never.set();
  crew after(s, 0);
  after.start([&](random_source) { empty.send(1); });
  s.check(empty.recv() == 1, "the channel is out of order after a cancellation");
  s.check(held.try_lock(), "the mutex is out of order after a cancellation");
  held.unlock();
  s.check(taken.try_acquire(), "the semaphore is out of order after a cancellation");
  taken.release();
  never.wait();
  counted.wait();
}

/// A function for after a cancellation runs once, or was stopped; never both, never neither.
void after_func_once(scene& s) {
  const std::size_t count = s.random().between(1, scaled(60));
  std::vector<std::atomic<int>> ran(count);
  std::vector<std::atomic<int>> stopped(count);
  const auto [ctx, cancel] = weft::with_cancel(weft::background());
  const weft::wait_group running;
  s.at("racing stop against cancel");
  {
    crew all(s);
    for (std::size_t i = 0; i < count; ++i)
      all.start([&, i, &on = ctx](random_source random) {
        running.add();
        const auto stop = weft::after_func(on, [&ran, i, running] {
          ++ran[i];
          running.done();
        });
        if (random.percent(30)) weft::yield();
        if (random.percent(70) && stop()) {
          ++stopped[i];
          running.done();
        }
        s.step();
      });
    all.start([cancel_it = cancel](random_source random) {
      weft::sleep_for(random.tiny_wait());
      cancel_it();
    });
  }
  s.at("waiting for the functions");
  running.wait();
  for (std::size_t i = 0; i < count; ++i)
    s.check(ran[i] + stopped[i] == 1, "a function neither ran nor was stopped, or both");
}

}  // namespace soak
