#include "failing_memory.hpp"

#include <atomic>
#include <cstdlib>
#include <new>

#include "opaque.hpp"

namespace hazards {
namespace {

constinit std::atomic<int> left_for_everybody{0};
constinit std::atomic<bool> failed{false};
constinit std::atomic<long> alive{0};
thread_local constinit int left_for_me = 0;

// Not inlined and not analysed: a goroutine may have changed its thread since the last look.
WEFT_OPAQUE bool my_turn() { return left_for_me > 0 && --left_for_me == 0; }
WEFT_OPAQUE void set_mine(int n) { left_for_me = n; }

bool is_refused() {
  if (my_turn()) return true;
  int n = left_for_everybody.load();
  while (n > 0 && !left_for_everybody.compare_exchange_weak(n, n - 1)) {
  }
  return n == 1;
}

}  // namespace

void fail_allocation(int n, whose scope) noexcept {
  set_mine(scope == whose::this_thread ? n : 0);
  left_for_everybody.store(scope == whose::everybody ? n : 0);
  failed.store(false);
}
bool has_failed() noexcept { return failed.load(); }
long blocks_alive() noexcept { return alive.load(); }

namespace {

void* allocate(std::size_t bytes, std::size_t alignment) noexcept {
  if (is_refused()) {
    failed.store(true);
    return nullptr;
  }
  const std::size_t whole = (bytes + alignment - 1) / alignment * alignment;
  void* memory = std::aligned_alloc(alignment, whole == 0 ? alignment : whole);
  if (memory) alive.fetch_add(1);
  return memory;
}

void* allocate_or_throw(std::size_t bytes, std::size_t alignment) {
  if (void* memory = allocate(bytes, alignment)) return memory;
  throw std::bad_alloc();
}

void give_back(void* memory) noexcept {
  if (memory) alive.fetch_sub(1);
  std::free(memory);
}

constexpr std::size_t usual = __STDCPP_DEFAULT_NEW_ALIGNMENT__;
std::size_t number(std::align_val_t a) { return static_cast<std::size_t>(a); }

}  // namespace
}  // namespace hazards

using namespace hazards;

void* operator new(std::size_t n) { return allocate_or_throw(n, usual); }
void* operator new[](std::size_t n) { return allocate_or_throw(n, usual); }
void* operator new(std::size_t n, std::align_val_t a) { return allocate_or_throw(n, number(a)); }
void* operator new[](std::size_t n, std::align_val_t a) { return allocate_or_throw(n, number(a)); }
void* operator new(std::size_t n, const std::nothrow_t&) noexcept { return allocate(n, usual); }
void* operator new[](std::size_t n, const std::nothrow_t&) noexcept { return allocate(n, usual); }
void* operator new(std::size_t n, std::align_val_t a, const std::nothrow_t&) noexcept {
  return allocate(n, number(a));
}
void operator delete(void* p) noexcept { give_back(p); }
void operator delete[](void* p) noexcept { give_back(p); }
void operator delete(void* p, std::size_t) noexcept { give_back(p); }
void operator delete[](void* p, std::size_t) noexcept { give_back(p); }
void operator delete(void* p, const std::nothrow_t&) noexcept { give_back(p); }
void operator delete[](void* p, const std::nothrow_t&) noexcept { give_back(p); }
void operator delete(void* p, std::align_val_t) noexcept { give_back(p); }
void operator delete[](void* p, std::align_val_t) noexcept { give_back(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { give_back(p); }
void operator delete[](void* p, std::size_t, std::align_val_t) noexcept { give_back(p); }
void operator delete(void* p, std::align_val_t, const std::nothrow_t&) noexcept { give_back(p); }
