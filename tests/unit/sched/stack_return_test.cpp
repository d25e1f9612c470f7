// Stacks of a crowd that has ended give their memory back in time, though nothing runs any more.
#include <sys/mman.h>

#include <algorithm>
#include <cstdio>
#include <thread>
#include <vector>

#include "port/stack_memory.hpp"
#include "sched/runtime.hpp"
#include "unit_support.hpp"

namespace {

using namespace std::chrono_literals;
using weft::detail::page_bytes;
using weft::detail::runtime;
using weft::detail::stack_slab;

/// Pages of stacks that are in memory, of all goroutines there ever were.
std::size_t resident_pages() {
  std::vector<stack_slab> slabs;
  runtime::get().list_slabs(slabs);
  std::size_t sum = 0;
  std::vector<unsigned char> resident;
  for (const stack_slab& s : slabs) {
    resident.assign(s.bytes / page_bytes(), 0);
    // Safety: the call only looks.
    if (::mincore(const_cast<std::byte*>(s.low), s.bytes, resident.data()) != 0) continue;
    sum += static_cast<std::size_t>(
        std::count_if(resident.begin(), resident.end(), [](unsigned char r) { return r & 1U; }));
  }
  return sum;
}

/// Returns: the resident pages while all of them are parked.
std::size_t park_and_wake(int count) {
  const weft::chan<void> begin;
  const weft::wait_group all;
  weft::detail::atomic<int> arrived{0};
  for (int i = 0; i < count; ++i)
    all.go([&] {
      arrived.fetch_add(1);
      begin.recv();
    });
  const bool came = weft_test::eventually([&] { return arrived.load() == count; });
  const std::size_t pages = came ? resident_pages() : 0;
  begin.close();
  all.wait();
  return pages;
}

/// This thread sleeps outside of weft: nobody but the monitor could do it.
bool falls_to(std::size_t pages) {
  for (int i = 0; i < 1'000 && resident_pages() > pages; ++i) std::this_thread::sleep_for(20ms);
  return resident_pages() <= pages;
}

void park_wake_and_rest() {
  constexpr int count = 3'000;
  weft::set_max_procs(2);  // each keeps 64 stacks
  bool good = true;
  for (int crowd = 0; crowd < 2; ++crowd) {
    std::size_t parked = 0;
    weft::run([&] { parked = park_and_wake(count); });
    good = good && parked >= count && falls_to(parked / 2);
    if (!good) std::fprintf(stderr, "%zu pages of %zu stay\n", resident_pages(), parked);
  }
  unit::end_with(good);
}

using stack_return = unit::in_a_fresh_process;

TEST_F(stack_return, of_a_crowd_that_has_ended_leaves_an_idle_program_small) {
  EXPECT_EXIT(park_wake_and_rest(), testing::ExitedWithCode(0), "");
}

}  // namespace
