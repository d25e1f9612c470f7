#include "support.hpp"

#include <cstdio>
#include <cstdlib>
#include <random>

namespace stress {

namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

// Long enough for a loaded machine under a sanitizer: only a hang reaches it.
constexpr auto hang_after = 120s;

std::uint64_t first_seed() {
  if (const char* set = std::getenv("WEFT_STRESS_SEED")) return std::strtoull(set, nullptr, 0);
  return std::random_device{}();
}

/// Ends the process with the seed on stderr unless it is destroyed in time.
class watchdog {
 public:
  explicit watchdog(std::uint64_t seed) : dog_([this, seed] { watch(seed); }) {}
  watchdog(const watchdog&) = delete;
  watchdog& operator=(const watchdog&) = delete;
  ~watchdog() {
    {
      std::lock_guard hold(mutex_);
      over_ = true;
    }
    changed_.notify_one();
    dog_.join();
  }

 private:
  void watch(std::uint64_t seed) {
    std::unique_lock hold(mutex_);
    if (changed_.wait_for(hold, hang_after, [this] { return over_; })) return;
    std::fprintf(stderr, "stress: no end in sight; %zu goroutines; WEFT_STRESS_SEED=%llu\n",
                 weft::num_goroutines(), static_cast<unsigned long long>(seed));
    std::abort();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool over_ = false;
  std::thread dog_;
};

}  // namespace

std::chrono::nanoseconds random_source::tiny_wait() {
  switch (below(8)) {
    case 0:
      return std::chrono::nanoseconds(-static_cast<std::int64_t>(below(1'000)));
    case 1:
      return 0ns;
    case 2:
    case 3:
      return std::chrono::nanoseconds(below(1'000));
    case 4:
    case 5:
      return std::chrono::nanoseconds(below(20'000));
    case 6:
      return std::chrono::nanoseconds(below(200'000));
    default:
      return std::chrono::nanoseconds(below(2'000'000));
  }
}

double seconds() {
  // Most tests run three times, at 1, 2 and 4 processors.
  double each = under_tsan ? 0.4 : 0.7;
  if (const char* set = std::getenv("WEFT_STRESS_SECONDS")) each = std::strtod(set, nullptr) / 3;
  return each;
}

void repeat(const std::function<void(std::uint64_t)>& program) {
  const auto until = steady::now() + std::chrono::duration<double>(seconds());
  std::uint64_t seed = first_seed();
  random_source later_seeds(seed);
  do {
    SCOPED_TRACE("WEFT_STRESS_SEED=" + std::to_string(seed));
    watchdog dog(seed);
    program(seed);
    // The trace above is this thread's alone; failures elsewhere must name the seed as well.
    if (testing::Test::HasFailure()) ADD_FAILURE() << "WEFT_STRESS_SEED=" << seed;
    seed = later_seeds.next();
  } while (steady::now() < until && !testing::Test::HasFailure());
}

void expect_no_goroutines() {
  const auto until = steady::now() + hang_after;
  while (weft::num_goroutines() != 0 && steady::now() < until) std::this_thread::yield();
  EXPECT_EQ(weft::num_goroutines(), 0U);
}

processor_shaker::processor_shaker(std::uint64_t seed)
    : shaker_([stop = stop_, seed] {
        const int before = weft::max_procs();
        random_source random(seed);
        while (stop.recv_for(random.tiny_wait()).status() == weft::channel_status::timeout)
          weft::set_max_procs(1 + static_cast<int>(random.below(8)));
        weft::set_max_procs(before);
      }) {}

processor_shaker::~processor_shaker() {
  stop_.close();
  shaker_.join();
}

}  // namespace stress
