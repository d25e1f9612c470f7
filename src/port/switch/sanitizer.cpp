// Fibers that no goroutine uses now. Empty without ThreadSanitizer.
#include "port/switch/sanitizer.hpp"

#if defined(WEFT_TSAN)

#include <array>
#include <cstddef>
#include <mutex>

#include "port/sync/spin_lock.hpp"

namespace weft::detail {
namespace {

struct kept_fibers {
  spin_lock lock;
  std::array<void*, 256> fibers{};
  std::size_t count = 0;
};

constinit kept_fibers kept;

}  // namespace

void* take_kept_fiber() noexcept {
  std::lock_guard guard(kept.lock);
  return kept.count == 0 ? nullptr : kept.fibers[--kept.count];
}

bool keep_fiber(void* fiber) noexcept {
  std::lock_guard guard(kept.lock);
  if (kept.count == kept.fibers.size()) return false;
  kept.fibers[kept.count++] = fiber;
  return true;
}

}  // namespace weft::detail

#endif
