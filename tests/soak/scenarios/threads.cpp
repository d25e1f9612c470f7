// Threads: blocking calls, loops that never call weft, goroutines tied to a thread, and changes of
// how many processors there are.
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <vector>

#include "scenarios.hpp"

namespace soak {
namespace {

using namespace std::chrono_literals;

pid_t this_thread() noexcept { return static_cast<pid_t>(::syscall(SYS_gettid)); }

struct os_pipe {
  explicit os_pipe(scene& s) { s.check(::pipe(ends) == 0, "no pipe"); }
  os_pipe(const os_pipe&) = delete;
  os_pipe& operator=(const os_pipe&) = delete;
  ~os_pipe() {
    ::close(ends[0]);
    ::close(ends[1]);
  }
  int ends[2] = {-1, -1};
};

/// Reads one byte, and does not come back before there is one.
char read_byte(int fd) noexcept {
  char byte = 0;
  while (::read(fd, &byte, 1) != 1) {
  }
  return byte;
}

}  // namespace

/// Goroutines that block in read(2); those who write to them must get to run all the same.
void blocking_pipes(scene& s) {
  const std::size_t pairs = s.random().between(1, scaled(16) + 1);
  const std::size_t each = scaled(s.random().between(1, 6));
  std::vector<std::unique_ptr<os_pipe>> pipes;
  for (std::size_t i = 0; i < pairs; ++i) pipes.push_back(std::make_unique<os_pipe>(s));
  crew all(s);
  s.at("blocked in read");
  for (std::size_t i = 0; i < pairs; ++i) {
    all.start([&s, fd = pipes[i]->ends[0], each](random_source random) {
      for (std::size_t n = 0; n < each; ++n) {
        const char got =
            random.percent(40) ? weft::blocking([fd] { return read_byte(fd); }) : read_byte(fd);
        s.check(got == static_cast<char>('a' + n % 26), "a byte is another");
        s.step();
      }
    });
    all.start([&s, fd = pipes[i]->ends[1], each](random_source random) {
      for (std::size_t n = 0; n < each; ++n) {
        if (random.percent(50)) weft::sleep_for(random.tiny_wait());
        const char byte = static_cast<char>('a' + n % 26);
        s.check(::write(fd, &byte, 1) == 1, "a byte was not written");
      }
    });
  }
  all.join();
}

/// Some block, and others exchange messages meanwhile.
void blocking_naps(scene& s) {
  const weft::chan<int> messages(s.random().below(3));
  std::atomic<int> sum{0};
  const std::size_t each = scaled(s.random().between(5, 50));
  crew receivers(s);
  for (int i = 0; i < 2; ++i)
    receivers.start([&](random_source) {
      for (const int m : messages) sum += m;
    });
  s.at("napping and sending");
  {
    crew senders(s);
    for (int i = 0; i < 4; ++i)
      senders.start([&](random_source random) {
        for (std::size_t n = 0; n < each; ++n) {
          if (random.percent(8)) {
            const auto us = static_cast<useconds_t>(random.below(3'000));
            if (random.percent(50))
              weft::blocking([us] { ::usleep(us); });
            else
              ::usleep(us);
          }
          messages.send(1);
          s.step();
        }
      });
  }
  messages.close();
  receivers.join();
  s.check(sum == static_cast<int>(4 * each), "a message was lost");
}

/// Loops that call nothing until somebody else has done something.
void cpu_hogs(scene& s) {
  const std::size_t hogs = s.random().between(1, 3);
  std::atomic<bool> enough{false};
  crew all(s);
  s.at("hogging");
  for (std::size_t i = 0; i < hogs; ++i)
    all.start([&](random_source) {
      while (!enough.load(std::memory_order_relaxed)) burn(200);
    });
  const weft::chan<int> ball;
  all.start([&](random_source) {
    for (int n = 0; n < 20; ++n) ball.send(n);
  });
  all.start([&](random_source) {
    for (int n = 0; n < 20; ++n) s.check(ball.recv() == n, "a value is another");
    enough = true;
  });
  all.join();
}

void tied_to_threads(scene& s) {
  const std::size_t each = scaled(s.random().between(5, 60));
  const weft::chan<void> nudges(2);
  crew all(s, 0);
  s.at("tied");
  for (std::size_t i = s.random().between(1, 5); i-- > 0;)
    all.start([&](random_source random) {
      for (std::size_t n = 0; n < each; ++n) {
        weft::lock_os_thread();
        const pid_t home = this_thread();
        const bool twice = random.percent(30);
        if (twice) weft::lock_os_thread();
        for (int k = 0; k < 3; ++k) {
          if (random.percent(40)) weft::yield();
          if (random.percent(20)) weft::sleep_for(random.tiny_wait());
          static_cast<void>(nudges.try_send());
          static_cast<void>(nudges.recv_for(random.tiny_wait()));
          s.check(this_thread() == home, "a tied goroutine is on another thread");
        }
        if (random.percent(5)) return;  // it ends tied
        weft::unlock_os_thread();
        if (twice) weft::unlock_os_thread();
        s.step();
        if (random.percent(20)) weft::yield();
      }
    });
  all.join();
}

void changing_processors(scene& s) {
  s.at("changing max_procs");
  for (std::size_t n = s.random().between(3, 30); n-- > 0;) {
    weft::set_max_procs(static_cast<int>(s.random().between(1, 8)));
    weft::sleep_for(s.random().tiny_wait());
    s.step();
  }
}

}  // namespace soak
