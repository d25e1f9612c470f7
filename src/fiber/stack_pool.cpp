// Stacks are carved from slabs one by one, so that a guard is only paid for a stack that is used.
#include "fiber/stack_pool.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <new>

#include "port/stack_memory.hpp"

namespace weft::detail {
namespace {

constexpr std::uint64_t canary = 0x77656674'63616e61U;
constexpr std::size_t slab_bytes = std::size_t{16} << 20;

}  // namespace

void stack::plant_canary() const noexcept { std::memcpy(low(), &canary, sizeof canary); }

bool stack::canary_is_intact() const noexcept {
  return std::memcmp(low(), &canary, sizeof canary) == 0;
}

std::size_t stack_high_water(const stack& memory, stack_class size) noexcept {
  if (!memory) return 0;
  // The lowest page is the guard, or has a canary in it and was touched for that.
  const std::size_t page = page_bytes();
  const std::size_t bytes = stack_class_bytes(size);
  if (!memory.guarded() && !memory.canary_is_intact()) return bytes;
  return touched_from_top(memory.low() + page, bytes - page);
}

stack stack_pool::acquire(stack_class size) noexcept {
  shelf& s = shelves_[size];
  std::lock_guard guard(s.lock);
  for (std::vector<stack>* kept : {&s.warm, &s.cold}) {
    if (kept->empty()) continue;
    const stack found = kept->back();
    kept->pop_back();
    if (!found.guarded()) found.plant_canary();
    return found;
  }
  return carve_locked(s, size);
}

stack stack_pool::carve_locked(shelf& s, stack_class size) noexcept {
  if (s.left == 0 && !refill_locked(s, size)) return {};
  std::byte* low = s.slab;
  s.slab += stack_class_bytes(size);
  --s.left;
  s.created.bump();
  const stack made(low, install_guard(low));
  introduce_stack(low, stack_class_bytes(size));
  if (!made.guarded()) made.plant_canary();
  return made;
}

bool stack_pool::refill_locked(shelf& s, stack_class size) noexcept {
  const std::size_t bytes = stack_class_bytes(size);
  const std::size_t count = std::max<std::size_t>(1, slab_bytes / bytes);
  try {
    const std::size_t all = s.created.read() + count;
    if (s.cold.capacity() < all) s.cold.reserve(std::max(all, 2 * s.cold.capacity()));
    s.warm.reserve(warm_max(size));
    if (s.slabs.size() == s.slabs.capacity()) s.slabs.reserve(2 * s.slabs.size() + 4);
  } catch (const std::bad_alloc&) {
    return false;
  }
  std::byte* slab = reserve_stack_slab(count * bytes);
  if (!slab) return false;
  s.slabs.push_back({slab, count * bytes});
  s.slab = slab;
  s.left = count;
  return true;
}

void stack_pool::release(stack freed, stack_class size) noexcept {
  shelf& s = shelves_[size];
  {
    std::lock_guard guard(s.lock);
    if (s.warm.size() < warm_max(size)) {
      s.warm.push_back(freed);
      return;
    }
  }
  const std::size_t page = page_bytes();
  discard_stack_memory(freed.low() + page, stack_class_bytes(size) - page);
  std::lock_guard guard(s.lock);
  s.cold.push_back(freed);
}

void stack_pool::list_slabs(std::vector<stack_slab>& to) {
  for (shelf& s : shelves_) {
    std::vector<stack_slab> copy;
    for (;;) {  // nothing is allocated under the lock
      std::size_t count = 0;
      {
        std::lock_guard guard(s.lock);
        count = s.slabs.size();
        if (count <= copy.capacity()) copy = s.slabs;
      }
      if (count <= copy.capacity()) break;
      copy.reserve(count + 4);
    }
    to.insert(to.end(), copy.begin(), copy.end());
  }
}

std::size_t stack_pool::created() const noexcept {
  std::size_t sum = 0;
  for (const shelf& s : shelves_) sum += s.created.read();
  return sum;
}

}  // namespace weft::detail
