#include "memory_watch.hpp"

#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "scene.hpp"

namespace soak {

memory_use memory_now() {
  memory_use now;
  if (std::FILE* statm = std::fopen("/proc/self/statm", "r")) {
    unsigned long long size = 0;
    unsigned long long resident = 0;
    if (std::fscanf(statm, "%llu %llu", &size, &resident) == 2)
      now.resident =
          static_cast<std::size_t>(resident) * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    std::fclose(statm);
  }
  if constexpr (!under_tsan && !under_asan) {
    const struct mallinfo2 heap = ::mallinfo2();
    now.allocated = heap.uordblks + heap.hblkhd;
  }
  return now;
}

bool memory_watch::exceeds(std::size_t memory_use::*what, std::size_t slack) const {
  std::size_t least = SIZE_MAX;
  for (const memory_use& m : latest_) least = std::min(least, m.*what);
  return least > most_at_first_.*what + slack;
}

bool memory_watch::grows(const memory_use& now) {
  constexpr std::size_t mib = std::size_t{1} << 20;
  latest_[rounds_ % window] = now;
  ++rounds_;
  if (rounds_ <= settled_after) {
    most_at_first_.resident = std::max(most_at_first_.resident, now.resident);
    most_at_first_.allocated = std::max(most_at_first_.allocated, now.allocated);
    return false;
  }
  // A sanitizer keeps books of its own, of every thread that ever was and every freed piece.
  const std::size_t resident_slack = under_tsan || under_asan ? 1024 * mib : 96 * mib;
  if (told_ || (!exceeds(&memory_use::resident, resident_slack) &&
                !exceeds(&memory_use::allocated, 8 * mib)))
    return false;
  told_ = true;
  std::fprintf(stderr,
               "soak: FAILED: memory grows: at most %zu KiB resident, %zu KiB allocated in the "
               "first %zu rounds; now %zu and %zu after %zu\n",
               most_at_first_.resident / 1024, most_at_first_.allocated / 1024, settled_after,
               now.resident / 1024, now.allocated / 1024, rounds_);
  return true;
}

}  // namespace soak
