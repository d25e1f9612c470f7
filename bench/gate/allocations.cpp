// Counts what is asked of operator new, and, by the linker's --wrap, of malloc and its kin.
#include <atomic>
#include <cstdlib>
#include <new>

#include "gate.hpp"

namespace {

std::atomic<std::int64_t> times{0};
std::atomic<std::int64_t> bytes_in_all{0};

void count(std::size_t bytes) noexcept {
  times.fetch_add(1, std::memory_order_relaxed);
  bytes_in_all.fetch_add(static_cast<std::int64_t>(bytes), std::memory_order_relaxed);
}

}  // namespace

extern "C" {

// Made by the linker: the real ones.
void* __real_malloc(std::size_t bytes);
void* __real_calloc(std::size_t count, std::size_t bytes);
void* __real_realloc(void* old, std::size_t bytes);
void* __real_aligned_alloc(std::size_t alignment, std::size_t bytes);

void* __wrap_malloc(std::size_t bytes) {
  count(bytes);
  return __real_malloc(bytes);
}
void* __wrap_calloc(std::size_t number, std::size_t bytes) {
  count(number * bytes);
  return __real_calloc(number, bytes);
}
void* __wrap_realloc(void* old, std::size_t bytes) {
  count(bytes);
  return __real_realloc(old, bytes);
}
void* __wrap_aligned_alloc(std::size_t alignment, std::size_t bytes) {
  count(bytes);
  return __real_aligned_alloc(alignment, bytes);
}

}  // extern "C"

namespace {

void* allocate(std::size_t bytes) {
  count(bytes);
  if (void* memory = __real_malloc(bytes == 0 ? 1 : bytes)) return memory;
  throw std::bad_alloc();
}

void* allocate(std::size_t bytes, std::align_val_t alignment) {
  count(bytes);
  const auto a = static_cast<std::size_t>(alignment);
  if (void* memory = __real_aligned_alloc(a, (bytes + a - 1) / a * a)) return memory;
  throw std::bad_alloc();
}

}  // namespace

// The forms that take no exception, and those of arrays, call these.
void* operator new(std::size_t bytes) { return allocate(bytes); }
void* operator new(std::size_t bytes, std::align_val_t a) { return allocate(bytes, a); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace gate {

allocated allocated_so_far() noexcept {
  return {times.load(std::memory_order_relaxed), bytes_in_all.load(std::memory_order_relaxed)};
}

}  // namespace gate
