// What scenarios are made of: a crew that runs functions side by side, elements that are counted,
// and a ledger that says whether every value arrived exactly once and in order.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include <weft/weft.hpp>

#include "scene.hpp"

namespace soak {

/// Runs functions side by side, each as a goroutine or as a plain thread, and joins them all.
/// A function is called with a generator of its own.
class crew {
 public:
  explicit crew(scene& on, std::size_t thread_percent = 15)
      : scene_(on), thread_percent_(thread_percent) {}
  crew(const crew&) = delete;
  crew& operator=(const crew&) = delete;
  ~crew() { join(); }

  template <class F>
  void start(F f) {
    random_source own = scene_.random().split();
    const bool as_thread = scene_.random().percent(thread_percent_);
    if (as_thread && threads_.size() < threads_max)
      threads_.emplace_back([f, own]() mutable { f(own); });
    else
      goroutines_.go([f, own]() mutable { f(own); });
  }
  void join();

 private:
  static constexpr std::size_t threads_max = 8;
  scene& scene_;
  const std::size_t thread_percent_;
  std::vector<std::thread> threads_;
  weft::wait_group goroutines_;
};

/// Counts its instances.
class live {
 public:
  live() noexcept { change(1); }
  live(const live&) noexcept { change(1); }
  live(live&&) noexcept { change(1); }
  live& operator=(const live&) noexcept = default;
  live& operator=(live&&) noexcept = default;
  ~live() { change(-1); }
  static std::int64_t count() noexcept;

 private:
  static void change(int by) noexcept;
};

struct label {
  std::uint32_t sender = 0;
  std::uint32_t sequence = 0;
};

/// How a label travels through a channel: by value, or in a type whose move may throw.
struct plain_item {
  explicit plain_item(label l) : what(l) {}
  label what;
  live counted;
};
struct throwing_item {
  explicit throwing_item(label l) : what(l), owned(std::make_unique<label>(l)) {}
  throwing_item(throwing_item&& other) noexcept(false)
      : what(other.what), owned(std::move(other.owned)) {}
  throwing_item& operator=(throwing_item&& other) noexcept(false) {
    what = other.what;
    owned = std::move(other.owned);
    return *this;
  }
  ~throwing_item() = default;
  label what;
  std::unique_ptr<label> owned;
  live counted;
};

/// Which of the values that were offered have been sent, and which have been received.
class ledger {
 public:
  ledger(std::size_t senders, std::size_t each) : each_(each), entries_(senders * each) {}

  void sent(label l) noexcept { entry(l).sent.fetch_add(1, std::memory_order_relaxed); }
  void received(label l) noexcept { entry(l).received.fetch_add(1, std::memory_order_relaxed); }
  /// When all are at rest.
  void balance(scene& on) const;

 private:
  struct marks {
    std::atomic<std::uint8_t> sent{0};
    std::atomic<std::uint8_t> received{0};
  };
  marks& entry(label l) noexcept { return entries_[l.sender * each_ + l.sequence]; }

  std::size_t each_;
  std::vector<marks> entries_;
};

/// What one receiver has seen of each sender: the numbers grow.
class in_order {
 public:
  explicit in_order(std::size_t senders) : next_(senders, 0) {}
  void saw(scene& on, label l) {
    on.check(l.sequence >= next_[l.sender], "values of one sender arrive out of order");
    next_[l.sender] = l.sequence + 1;
  }

 private:
  std::vector<std::uint32_t> next_;
};

/// Keeps the processor for a while, calling nothing.
void burn(std::size_t steps) noexcept;

}  // namespace soak
