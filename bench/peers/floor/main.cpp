// What the machine itself takes: bare context switches, locked instructions, fresh pages, sleeping
// in the kernel, and the computing of a program without any concurrency.
//
// It is what a row cannot do without, not all that it needs.
#include <sys/mman.h>
#include <sys/prctl.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <numeric>
#include <thread>

#include "harness.hpp"
#include "port/switch/context.hpp"
#include "work.hpp"

namespace {

using namespace std::chrono_literals;
using weft::detail::start_context;
using weft::detail::switch_context;

/// Contexts in a ring: each switches to the next, again and again.
class ring {
 public:
  explicit ring(std::size_t size) : size_(size), stacks_(size * stack_words) {
    places_.reserve(size);
    for (std::size_t i = 0; i < size; ++i) places_.push_back({this, i, nullptr});
    for (place& each : places_) {
      void* top = stacks_.data() + (each.index + 1) * stack_words;
      start_context(&home_, top, &run, &each);
    }
  }
  ring(const ring&) = delete;
  ring& operator=(const ring&) = delete;

  /// Goes round until there were so many switches.
  std::int64_t go(std::int64_t switches) {
    left_ = switches;
    done_ = 0;
    switch_context(&home_, places_.front().sp, nullptr);
    return done_;
  }

 private:
  struct place {
    ring* all;
    std::size_t index;
    void* sp;
  };
  struct alignas(16) word {
    std::array<std::byte, 16> bytes;
  };
  static constexpr std::size_t stack_words = 256;  // 4 KiB

  static void run(void* argument) {
    place& me = *static_cast<place*>(argument);
    ring& all = *me.all;
    void** next = &all.places_[(me.index + 1) % all.size_].sp;
    switch_context(&me.sp, all.home_, nullptr);
    for (;;) {
      ++all.done_;
      switch_context(&me.sp, --all.left_ == 0 ? all.home_ : *next, nullptr);
    }
  }

  std::size_t size_;
  std::vector<word> stacks_;
  std::vector<place> places_;
  void* home_ = nullptr;
  std::int64_t left_ = 0;
  std::int64_t done_ = 0;
};

/// `each` switches for an operation.
void switch_among(bench::recorder& r, std::size_t contexts, std::int64_t times, std::int64_t each) {
  ring all(contexts);
  const bench::stopwatch watch;
  const std::int64_t done = all.go(times * each);
  r.record(watch.ns_each(times), "ns");
  bench::expect_equal(done, times * each, "switches");
}

const bench::entry two("yield_2", [](bench::recorder& r) {
  const std::int64_t times = 2 * r.count(500'000);
  switch_among(r, 2, times, 1);
  r.note(times);
});

const bench::entry thousand("yield_1000", [](bench::recorder& r) {
  const std::int64_t times = 1'000 * r.count(1'000);
  switch_among(r, 1'000, times, 1);
  r.note(times);
});

const bench::entry ping_pong("ping_pong", [](bench::recorder& r) {
  const std::int64_t trips = r.count(500'000);
  switch_among(r, 2, trips, 2);
  r.note(trips * (trips + 1) / 2);
});

const bench::entry condition("condition_ping_pong", [](bench::recorder& r) {
  const std::int64_t times = r.count(200'000);
  switch_among(r, 2, 2 * times, 1);
  r.note(2 * times);
});

/// Locked instructions, of which an operation has `each`.
void lock_and_add(bench::recorder& r, std::int64_t usual, int each) {
  const std::int64_t times = r.count(usual);
  std::atomic<std::int64_t> n{0};
  const bench::stopwatch watch;
  for (std::int64_t i = 0; i < times; ++i)
    for (int k = 0; k < each; ++k) n.fetch_add(1);
  r.record(watch.ns_each(times), "ns");
  bench::expect_equal(n.load(), times * each, "additions");
  r.note(times);
}

const bench::entry mutex("mutex_uncontended",
                         [](bench::recorder& r) { lock_and_add(r, 5'000'000, 1); });
const bench::entry read("shared_mutex_read",
                        [](bench::recorder& r) { lock_and_add(r, 5'000'000, 2); });
const bench::entry write("shared_mutex_write",
                         [](bench::recorder& r) { lock_and_add(r, 5'000'000, 1); });
const bench::entry count_down("latch_count_down",
                              [](bench::recorder& r) { lock_and_add(r, 5'000'000, 1); });
const bench::entry add_done("wait_group_add_done",
                            [](bench::recorder& r) { lock_and_add(r, 2'000'000, 2); });

const bench::entry once("once_done", [](bench::recorder& r) {
  const std::int64_t times = r.count(20'000'000);
  const std::atomic<std::int64_t> done{1};
  std::int64_t seen = 0;
  const bench::stopwatch watch;
  for (std::int64_t i = 0; i < times; ++i) seen += done.load(std::memory_order_acquire);
  r.record(watch.ns_each(times), "ns");
  bench::expect_equal(seen, times, "loads");
  r.note(1);
});

/// One atomic addition for each, of as many threads as processors, to the same word.
const bench::entry contended("go_mutex", [](bench::recorder& r) {
  const std::int64_t each = r.count(1'000'000) / r.procs();
  std::atomic<std::int64_t> n{0};
  std::vector<std::thread> all;
  const bench::stopwatch watch;
  for (int i = 0; i < r.procs(); ++i)
    all.emplace_back([&n, each] {
      for (std::int64_t k = 0; k < each; ++k) n.fetch_add(1);
    });
  for (std::thread& one : all) one.join();
  r.record(watch.ns_each(each * r.procs()), "ns");
  r.check(n.load(), each * r.procs(), "turns");
});

void asked(bench::recorder& r, std::chrono::microseconds d) {
  const std::int64_t times = r.count(200);
  prctl(PR_SET_TIMERSLACK, 1);
  std::vector<double> took_us;
  for (std::int64_t i = 0; i < times; ++i) {
    const bench::stopwatch watch;
    std::this_thread::sleep_for(d);
    took_us.push_back(watch.us());
  }
  r.record(std::accumulate(took_us.begin(), took_us.end(), 0.0) / static_cast<double>(times), "us");
  r.record_percentiles(std::move(took_us), "us");
  r.note(times);
}

const bench::entry us_10("sleep_10us", [](bench::recorder& r) { asked(r, 10us); });
const bench::entry us_50("sleep_50us", [](bench::recorder& r) { asked(r, 50us); });
const bench::entry us_200("sleep_200us", [](bench::recorder& r) { asked(r, 200us); });

/// The first touch of a page, which a stack must have.
const bench::entry parked("parked", [](bench::recorder& r) {
  constexpr std::size_t page = 4'096;
  const std::int64_t number = r.count_or(1'000'000);
  const std::size_t bytes = static_cast<std::size_t>(number) * page;
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) std::abort();
  madvise(memory, bytes, MADV_NOHUGEPAGE);
  auto* at = static_cast<volatile std::byte*>(memory);
  const bench::stopwatch watch;
  for (std::int64_t i = 0; i < number; ++i) at[static_cast<std::size_t>(i) * page] = std::byte{1};
  r.record("create", watch.ns_each(number), "ns");
  munmap(memory, bytes);
  r.note(number);
});

}  // namespace

int main(int argc, char** argv) {
  return bench::run_all(bench::parse(argc, argv), "the machine", [](const auto& f) { f(); });
}
