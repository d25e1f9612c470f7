// Fibers that no goroutine uses now. Empty without ThreadSanitizer.
//
// Making a fiber takes 0.4 to 2.5 ms with GCC 12 and 4 us with clang 16, so they are used again. In
// a library for users a goroutine on a used fiber is taken for the continuation of who had it
// before: so the one that has rested longest is taken, and only when `rested_min` others rest.
#include "port/switch/sanitizer.hpp"

#if defined(WEFT_TSAN)

#include <link.h>
#include <sys/mman.h>

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

#if defined(WEFT_TSAN_USER)

extern "C" {
void AnnotateIgnoreWritesBegin(const char* file, int line);
void AnnotateIgnoreWritesEnd(const char* file, int line);
void AnnotateBenignRaceSized(const char* file, int line, void* low, unsigned long bytes,
                             const char* why);
}

namespace {

constexpr std::size_t rested_min = 256;

struct resting_fibers {
  spin_lock lock;
  std::array<void*, 4 * rested_min> ring{};
  std::size_t first = 0;
  std::size_t count = 0;
  void* nursery = nullptr;
};

constinit resting_fibers resting;

// Read anew at every use, in functions that are not inlined: a goroutine changes its thread.
constinit thread_local void* thread_fiber = nullptr;
constinit thread_local void* scheduler_fiber = nullptr;

void switch_fiber(void* fiber) noexcept {
  __tsan_switch_to_fiber(fiber, __tsan_switch_to_fiber_no_sync);
}

/// Whoever makes a fiber happens before it. So all are made on one that does nothing else, and
/// knows only what happened before weft was used for the first time.
void* make_fiber_locked() noexcept {
  void* const self = __tsan_get_current_fiber();
  if (!resting.nursery) resting.nursery = __tsan_create_fiber(0);
  switch_fiber(resting.nursery);
  void* const made = __tsan_create_fiber(0);
  switch_fiber(self);
  return made;
}

int excuse_thread_locals_of(dl_phdr_info* module, std::size_t, void*) noexcept {
  if (!module->dlpi_tls_data) return 0;
  for (int i = 0; i < module->dlpi_phnum; ++i)
    if (const auto& part = module->dlpi_phdr[i]; part.p_type == PT_TLS)
      AnnotateBenignRaceSized("weft", 0, module->dlpi_tls_data, part.p_memsz, "thread-local");
  return 0;
}

}  // namespace

unseen_scope::unseen_scope() noexcept { AnnotateIgnoreWritesBegin("weft", 0); }
unseen_scope::~unseen_scope() { AnnotateIgnoreWritesEnd("weft", 0); }

[[gnu::noinline]] bool speaks_for_scheduler() noexcept {
  void* const fiber = scheduler_fiber;
  return fiber && fiber == __tsan_get_current_fiber();
}

void let_go_of_count(const volatile void* count) noexcept { tell_at(const_cast<void*>(count)); }
void was_last_of_count(const volatile void* count) noexcept { hear_at(const_cast<void*>(count)); }

void* take_user_fiber() noexcept {
  std::lock_guard guard(resting.lock);
  if (resting.count <= rested_min) return make_fiber_locked();
  --resting.count;
  void* const fiber = resting.ring[resting.first];
  resting.first = (resting.first + 1) % resting.ring.size();
  return fiber;
}

void keep_user_fiber(void* fiber) noexcept {
  std::lock_guard guard(resting.lock);
  if (resting.count == resting.ring.size()) return __tsan_destroy_fiber(fiber);
  resting.ring[(resting.first + resting.count++) % resting.ring.size()] = fiber;
}

[[gnu::noinline]] void* begin_scheduling() noexcept {
  void* const fiber = take_user_fiber();
  thread_fiber = __tsan_get_current_fiber();
  scheduler_fiber = fiber;
  // errno and its like: the thread orders its goroutines here, and TSan cannot be told so.
  dl_iterate_phdr(excuse_thread_locals_of, nullptr);
  switch_fiber(fiber);
  AnnotateIgnoreWritesBegin("weft", 0);
  return fiber;
}

[[gnu::noinline]] void end_scheduling(void* fiber) noexcept {
  AnnotateIgnoreWritesEnd("weft", 0);
  scheduler_fiber = nullptr;
  switch_fiber(thread_fiber);
  keep_user_fiber(fiber);
}

/// By mapping it anew, which TSan sees.
void forget_accesses(void* low, std::size_t bytes) noexcept {
  const unseen_scope scope;
  ::mmap(low, bytes, PROT_READ | PROT_WRITE,
         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK | MAP_FIXED, -1, 0);
}

#endif

}  // namespace weft::detail

#endif
