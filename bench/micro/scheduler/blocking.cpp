// What do a thousand goroutines that are stuck in system calls cost the others?
#include <unistd.h>

#include <array>
#include <atomic>
#include <system_error>

#include "bench.hpp"

namespace {

/// A pipe that nobody writes to until the end.
class silent_pipe {
 public:
  silent_pipe() {
    if (::pipe(ends_.data()) != 0) throw std::system_error(errno, std::generic_category());
  }
  silent_pipe(const silent_pipe&) = delete;
  silent_pipe& operator=(const silent_pipe&) = delete;
  ~silent_pipe() {
    end();
    ::close(ends_[0]);
  }
  void read() const {
    char byte = 0;
    static_cast<void>(::read(ends_[0], &byte, 1));
  }
  /// Every read finds the end of the file.
  void end() {
    if (ends_[1] >= 0) ::close(ends_[1]);
    ends_[1] = -1;
  }

 private:
  std::array<int, 2> ends_{-1, -1};
};

const bench::entry yield_beside("yield_2_beside_1000_reads", [](bench::recorder& r) {
  constexpr int readers = 1'000;
  constexpr int yields_each = 500'000;
  silent_pipe pipe;
  std::atomic<int> inside{0};
  weft::wait_group stuck;
  for (int i = 0; i < readers; ++i)
    stuck.go([&] {
      inside.fetch_add(1, std::memory_order_relaxed);
      pipe.read();
    });
  while (inside.load(std::memory_order_relaxed) < readers) weft::yield();
  weft::wait_group all;
  const bench::stopwatch watch;
  for (int i = 0; i < 2; ++i)
    all.go([] {
      for (int n = 0; n < yields_each; ++n) weft::yield();
    });
  all.wait();
  r.record(watch.ns_each(2 * yields_each), "ns");
  pipe.end();
  stuck.wait();
  r.check(inside.load(), readers, "readers");
});

}  // namespace
