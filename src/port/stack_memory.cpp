// Slabs by mmap, guards by madvise where the kernel can, by mprotect elsewhere.
//
// MADV_GUARD_INSTALL costs no mapping: a million guarded stacks in one. mprotect splits the mapping
// and fails at vm.max_map_count (32,745 guards by default). The leak checker reads whole slabs and
// knows only mappings, so a build with AddressSanitizer uses mprotect.
// WEFT_GUARDS=mprotect|none chooses the weaker ways, for tests.
#include "port/stack_memory.hpp"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include <weft/detail/atomic.hpp>

#include "port/switch/sanitizer.hpp"

#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#endif

namespace weft::detail {
namespace {

constexpr int madv_guard_install = 102;  // not in every libc's headers yet

enum class guard_kind { light, mapping, none };

guard_kind best_guard_kind() noexcept {
  const char* wanted = std::getenv("WEFT_GUARDS");
  if (wanted && std::strcmp(wanted, "none") == 0) return guard_kind::none;
  if (wanted && std::strcmp(wanted, "mprotect") == 0) return guard_kind::mapping;
  if (with_asan) return guard_kind::mapping;
  const std::size_t bytes = page_bytes();
  void* probe = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (probe == MAP_FAILED) return guard_kind::mapping;
  const bool works = ::madvise(probe, bytes, madv_guard_install) == 0;
  ::munmap(probe, bytes);
  return works ? guard_kind::light : guard_kind::mapping;
}

guard_kind chosen_guard_kind() noexcept {
  static const guard_kind chosen = best_guard_kind();
  return chosen;
}

/// A guard of this kind costs two mappings. The process keeps enough of them for slabs without
/// guards, for its threads and its heap.
long mapping_guards_allowed() noexcept {
  constexpr long kept_for_others = 16'384;
  long limit = 65'530;
  std::ifstream file("/proc/sys/vm/max_map_count");
  long read = 0;
  if (file >> read) limit = read;
  return limit > kept_for_others ? (limit - kept_for_others) / 2 : 0;
}

bool install_mapping_guard(std::byte* low) noexcept {
  static const long allowed = mapping_guards_allowed();
  static constinit inner_atomic<long> used{0};
  // Order: none. A count; stacks are made one at a time or nearly so.
  if (used.load(relaxed) >= allowed) return false;
  if (::mprotect(low, page_bytes(), PROT_NONE) != 0) return false;
  // Order: none. See above.
  used.fetch_add(1, relaxed);
  return true;
}

/// A third less than one call each. False: some may have been installed.
bool install_light_guards_at_once(std::byte* low, std::size_t step, std::size_t count) noexcept {
  constexpr int this_process = -10'000;  // PIDFD_SELF: not in every libc's headers yet
  std::array<iovec, 32> pages;
#if defined(RUNNING_ON_VALGRIND)
  if (RUNNING_ON_VALGRIND != 0) return false;  // it would tell its user that it knows no such call
#endif
  if (count > pages.size()) return false;
  for (std::size_t i = 0; i < count; ++i) pages[i] = {low + i * step, page_bytes()};
  const long done =
      ::syscall(SYS_process_madvise, this_process, pages.data(), count, madv_guard_install, 0U);
  return done >= 0 && static_cast<std::size_t>(done) == count * page_bytes();
}

}  // namespace

std::size_t page_bytes() noexcept {
  static const auto bytes = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return bytes;
}

bool guards_are_light() noexcept { return chosen_guard_kind() == guard_kind::light; }

std::byte* reserve_stack_slab(std::size_t bytes) noexcept {
  void* low = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (low == MAP_FAILED) return nullptr;
  ::madvise(low, bytes, MADV_NOHUGEPAGE);  // a huge page would commit eight stacks at one touch
  register_stack_memory(low, bytes);
  return static_cast<std::byte*>(low);
}

bool install_guard(std::byte* low) noexcept {
  switch (chosen_guard_kind()) {
    case guard_kind::light:
      return ::madvise(low, page_bytes(), madv_guard_install) == 0;
    case guard_kind::mapping:
      return install_mapping_guard(low);
    case guard_kind::none:
      break;
  }
  return false;
}

void install_guards(std::byte* low, std::size_t step, std::span<bool> guarded) noexcept {
  static constinit hint<bool> refused{false};
  if (guards_are_light() && guarded.size() > 1 && !refused.read()) {
    if (install_light_guards_at_once(low, step, guarded.size()))
      return std::fill(guarded.begin(), guarded.end(), true);
    refused.write(true);
  }
  for (std::size_t i = 0; i < guarded.size(); ++i) guarded[i] = install_guard(low + i * step);
}

void discard_stack_memory(std::byte* low, std::size_t bytes) noexcept {
  ::madvise(low, bytes, MADV_DONTNEED);
}

void touch_memory(std::byte* at) noexcept { *const_cast<volatile std::byte*>(at) = std::byte{0}; }

std::size_t touched_from_top(const std::byte* low, std::size_t bytes) noexcept {
  constexpr std::size_t pages_at_once = 512;
  const std::size_t page = page_bytes();
  unsigned char resident[pages_at_once];
  for (std::size_t at = 0; at < bytes; at += pages_at_once * page) {
    const std::size_t part = std::min(bytes - at, pages_at_once * page);
    // Safety: the call only looks.
    if (::mincore(const_cast<std::byte*>(low + at), part, resident) != 0) return 0;
    for (std::size_t i = 0; i < part / page; ++i)
      if ((resident[i] & 1U) != 0) return bytes - at - i * page;
  }
  return 0;
}

/// A request is a few instructions that do nothing outside of Valgrind, so every build can have it.
void introduce_stack([[maybe_unused]] std::byte* low, [[maybe_unused]] std::size_t bytes) noexcept {
#if defined(VALGRIND_STACK_REGISTER)
  static_cast<void>(VALGRIND_STACK_REGISTER(low, low + bytes - 1));
#endif
}

void begin_told_stack([[maybe_unused]] std::byte* low,
                      [[maybe_unused]] std::size_t bytes) noexcept {
  if constexpr (tells_users) forget_accesses(low + page_bytes(), bytes - page_bytes());
}

}  // namespace weft::detail
