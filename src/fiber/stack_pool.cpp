// The shelves together, and what is asked of one stack.
#include "fiber/stack_pool.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "port/stack_memory.hpp"

namespace weft::detail {
namespace {

constexpr std::uint64_t canary = 0x77656674'63616e61U;

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

stack_pool::stack_pool() noexcept {
  for (std::size_t i = 0; i < stack_class_count; ++i)
    shelves_[i].set_size(static_cast<stack_class>(i));
}

stack stack_pool::acquire(stack_class size) noexcept {
  stack one;
  static_cast<void>(acquire_some({&one, 1}, size));
  return one;
}

deadline_ns stack_pool::trim(deadline_ns now) noexcept {
  std::array<stack, stack_shelf::trim_batch_max> batch;
  deadline_ns next = never_ns;
  for (stack_shelf& s : shelves_) next = std::min(next, s.trim(now, batch));
  return next;
}

std::size_t stack_pool::created() const noexcept {
  std::size_t sum = 0;
  for (const stack_shelf& s : shelves_) sum += s.created();
  return sum;
}

std::size_t stack_pool::given_back() const noexcept {
  std::size_t sum = 0;
  for (const stack_shelf& s : shelves_) sum += s.given_back();
  return sum;
}

void stack_pool::list_slabs(std::vector<stack_slab>& to) {
  for (stack_shelf& s : shelves_) s.list_slabs(to);
}

}  // namespace weft::detail
