// The system refuses threads and address space by its own limits, and gives them later.
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <new>
#include <system_error>
#include <vector>

#include <weft/weft.hpp>

#include "scenarios.hpp"

namespace hazards {
namespace {

using namespace std::chrono_literals;

constexpr int skipped = 77;

bool set_limit(decltype(RLIMIT_AS) what, rlim_t soft) {
  rlimit limit{};
  if (::getrlimit(what, &limit) != 0) return false;
  limit.rlim_cur = soft < limit.rlim_max ? soft : limit.rlim_max;
  return ::setrlimit(what, &limit) == 0;
}

/// root is not bound by RLIMIT_NPROC.
bool become_nobody() {
  constexpr uid_t nobody = 65'534;
  return ::geteuid() != 0 || ::setresuid(nobody, nobody, nobody) == 0;
}

bool everything_runs() {
  std::atomic<int> ran{0};
  const weft::wait_group wg;
  for (int i = 0; i < 100; ++i)
    wg.go([&] {
      weft::sleep_for(10us);
      ran.fetch_add(1);
    });
  wg.wait();
  return ran.load() == 100;
}

/// No thread at the first use; then one more may be had, and then as many as it likes.
int threads_are_limited() {
  if (!become_nobody() || !set_limit(RLIMIT_NPROC, 0)) return skipped;
  bool told = false;
  try {
    weft::go([] { std::abort(); });
  } catch (const std::system_error& e) {
    told = e.code() == std::errc::resource_unavailable_try_again;
  }
  if (!told || weft::num_goroutines() != 0) return 1;
  set_limit(RLIMIT_NPROC, RLIM_INFINITY);
  if (!everything_runs()) return 2;
  set_limit(RLIMIT_NPROC, 0);
  weft::set_max_procs(8);
  for (int i = 0; i < 20; ++i)
    if (!everything_runs()) return 3;
  weft::run([] { weft::blocking([] { ::usleep(1000); }); });
  set_limit(RLIMIT_NPROC, RLIM_INFINITY);
  return everything_runs() ? 7 : 4;
}

rlim_t address_space_in_use() {
  std::ifstream file("/proc/self/statm");
  rlim_t pages = 0;
  file >> pages;
  return pages * static_cast<rlim_t>(::sysconf(_SC_PAGESIZE));
}

/// Control blocks, and whatever else starting a crowd takes, are there afterwards.
void start_a_crowd_once(int crowd) {
  const weft::chan<void> gate;
  const weft::wait_group wg;
  for (int i = 0; i < crowd; ++i) wg.go([gate] { gate.recv(); });
  gate.close();
  wg.wait();
}

/// mmap fails for stacks: goroutines wait for one, and those that have one go on.
int address_space_is_limited() {
  constexpr int crowd = 200;
  weft::set_max_procs(2);
  if (!everything_runs()) return 1;
  start_a_crowd_once(2 * crowd);
  if (!set_limit(RLIMIT_AS, address_space_in_use() + (rlim_t{48} << 20))) return skipped;
  const weft::chan<void> gate;
  std::atomic<int> inside{0}, ran{0};
  int started = 0;
  const weft::wait_group wg;
  try {
    for (; started < crowd; ++started)  // 800 MiB of stacks
      wg.go(weft::named("large").stack(std::size_t{4} << 20), [&, gate] {
        inside.fetch_add(1);
        gate.recv();
        ran.fetch_add(1);
      });
  } catch (const std::bad_alloc&) {  // the limit is everybody's: what was started counts
  }
  while (inside.load() == 0) weft::sleep_for(100us);
  for (int i = 0; i < 50; ++i) weft::sleep_for(100us);
  const int had_a_stack = inside.load();
  gate.close();  // who ends leaves its stack to the next
  wg.wait();
  std::printf("%d of %d had a stack at once\n", had_a_stack, started);
  set_limit(RLIMIT_AS, RLIM_INFINITY);
  if (had_a_stack == started) return 2;
  return ran.load() == started && everything_runs() ? 7 : 3;
}

/// Under whatever clock the process was given.
int clock_works() {
  const auto begin = std::chrono::steady_clock::now();
  if (!everything_runs()) return 1;
  weft::sleep_for(2ms);
  const weft::ticker t(1ms);
  for (int i = 0; i < 3; ++i) t.channel().recv();
  const auto [ctx, cancel] = weft::with_timeout(weft::background(), 2ms);
  ctx.done().recv();
  return std::chrono::steady_clock::now() - begin >= 4ms ? 7 : 2;
}

}  // namespace

const scenario_table limit_scenarios{
    {"threads_are_limited", threads_are_limited},
    {"address_space_is_limited", address_space_is_limited},
    {"clock_works", clock_works},
};

}  // namespace hazards
