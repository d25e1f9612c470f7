// Stacks are cut from slabs a few at a time, so that a guard is only paid for a stack that is used.
#include "fiber/stack_shelf.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <mutex>
#include <new>
#include <utility>

#include "port/stack_memory.hpp"

namespace weft::detail {
namespace {

constexpr std::size_t slab_bytes_min = std::size_t{16} << 20;
constexpr std::size_t slab_bytes_max = std::size_t{256} << 20;
constexpr std::size_t cut_max = 32;

}  // namespace

void stack_ring::push_newest(std::span<const stack> some) noexcept {
  for (const stack& s : some) place(count_++) = s;
}

void stack_ring::pop_newest(std::span<stack> to) noexcept {
  count_ -= to.size();
  for (std::size_t i = 0; i < to.size(); ++i) to[i] = place(count_ + i);
}

void stack_ring::pop_oldest(std::span<stack> to) noexcept {
  for (std::size_t i = 0; i < to.size(); ++i) to[i] = place(i);
  first_ += to.size();
  count_ -= to.size();
}

void stack_ring::grow_into(stack_ring& larger) noexcept {
  for (std::size_t i = 0; i < count_; ++i) larger.push_newest({&place(i), 1});
  std::swap(*this, larger);
}

/// Each may have touched all of it: of large ones not many are kept, however short the time.
std::size_t stack_shelf::warm_max() const noexcept {
  constexpr std::size_t bytes_max = std::size_t{256} << 20;
  if (size_ <= default_stack_class) return warm_.capacity();
  return std::max<std::size_t>(1, bytes_max / stack_class_bytes(size_));
}

std::size_t stack_shelf::slab_count_min() const noexcept {
  return std::max<std::size_t>(1, slab_bytes_min / stack_class_bytes(size_));
}

std::size_t stack_shelf::take(std::span<stack> to) noexcept {
  std::size_t kept = 0;
  std::size_t fresh = 0;
  for (bool last = false; kept + fresh == 0;) {
    {
      std::lock_guard guard(lock_);
      kept = take_kept_locked(to);
      if (kept == 0) fresh = cut_locked(to);
    }
    if (kept + fresh != 0) break;
    if (last) return 0;
    last = !add_slab();  // then somebody else's, or what came back meanwhile
  }
  if (fresh != 0) finish_cut(to.first(fresh));
  for (const stack& s : to.first(kept + fresh))
    if (!s.guarded()) s.plant_canary();
  return kept + fresh;
}

std::size_t stack_shelf::take_kept_locked(std::span<stack> to) noexcept {
  if (warm_.count() > 0) {
    const std::size_t n = std::min(to.size(), warm_.count());
    warm_.pop_newest(to.first(n));
    lowest_ = std::min(lowest_, warm_.count());
    warm_count_.write(warm_.count());
    return n;
  }
  const std::size_t n = std::min(to.size(), cold_.size());
  std::copy(cold_.end() - static_cast<std::ptrdiff_t>(n), cold_.end(), to.begin());
  cold_.resize(cold_.size() - n);
  return n;
}

/// The more there are, the more at once: a program with few goroutines pays for few guards.
std::size_t stack_shelf::cut_locked(std::span<stack> to) noexcept {
  if (open_ == slabs_.size()) return 0;
  const stack_slab& slab = slabs_[open_];
  const std::size_t bytes = stack_class_bytes(size_);
  const std::size_t few = std::clamp<std::size_t>(created_.read(), 1, cut_max);
  const std::size_t n = std::min({to.size(), few, (slab.bytes - cut_bytes_) / bytes});
  // Safety: the memory is a slab's, which was reserved as writable.
  auto* low = const_cast<std::byte*>(slab.low) + cut_bytes_;
  for (std::size_t i = 0; i < n; ++i) to[i] = stack(low + i * bytes, false);
  cut_bytes_ += n * bytes;
  if (cut_bytes_ == slab.bytes) {
    ++open_;
    cut_bytes_ = 0;
  }
  created_.write(created_.read() + n);
  return n;
}

/// They are neighbours.
void stack_shelf::finish_cut(std::span<stack> fresh) const noexcept {
  const std::size_t bytes = stack_class_bytes(size_);
  std::array<bool, cut_max> guarded;
  install_guards(fresh[0].low(), bytes, std::span(guarded).first(fresh.size()));
  for (std::size_t i = 0; i < fresh.size(); ++i) {
    fresh[i] = stack(fresh[i].low(), guarded[i]);
    introduce_stack(fresh[i].low(), bytes);
  }
}

/// Returns: false when there is no memory for it, or no address space.
bool stack_shelf::add_slab() noexcept {
  const std::size_t promised = promise_room();
  if (promised == 0) return false;
  const std::size_t bytes = stack_class_bytes(size_);
  std::size_t count = promised;
  const std::byte* low = reserve_stack_slab(count * bytes);
  if (!low) {
    count = slab_count_min();
    low = reserve_stack_slab(count * bytes);
  }
  std::lock_guard guard(lock_);
  if (low) slabs_.push_back({low, count * bytes});
  promised_ -= low ? promised - count : promised;
  return low != nullptr;
}

/// For one slab more (R2). The more there are the larger it is: to map one stops all page faults of
/// the process. Memory is allocated and freed without the lock.
/// Returns: of how many stacks it may be; 0: there is no memory.
std::size_t stack_shelf::promise_room() noexcept {
  const std::size_t least = slab_count_min();
  const std::size_t most = std::max(least, slab_bytes_max / stack_class_bytes(size_));
  for (std::size_t wanted = 0;;) {
    stack_ring warm;
    std::vector<stack> cold;
    std::vector<stack_slab> slabs;
    try {
      if (wanted != 0) warm = stack_ring(wanted);
      cold.reserve(wanted);
      slabs.reserve(wanted / least);
    } catch (const std::bad_alloc&) {
      return 0;
    }
    std::lock_guard guard(lock_);
    if (wanted > warm_.capacity()) {
      warm_.grow_into(warm);
      cold.assign(cold_.begin(), cold_.end());
      cold_.swap(cold);
      slabs.assign(slabs_.begin(), slabs_.end());
      slabs_.swap(slabs);
    }
    const std::size_t count = std::clamp(std::bit_floor(promised_ / 4), least, most);
    if (promised_ + count <= warm_.capacity()) {
      promised_ += count;
      return count;
    }
    wanted = std::bit_ceil(std::max(promised_ + count, 2 * warm_.capacity()));
  }
}

void stack_shelf::put(std::span<const stack> freed) noexcept {
  std::size_t kept = 0;
  {
    std::lock_guard guard(lock_);
    kept = std::min(freed.size(), warm_max() - std::min(warm_max(), warm_.count()));
    warm_.push_newest(freed.first(kept));
    warm_count_.write(warm_.count());
  }
  for (stack s : freed.subspan(kept)) discard({&s, 1});
}

deadline_ns stack_shelf::trim(deadline_ns now, std::span<stack> batch) noexcept {
  if (warm_count_.read() == 0) return never_ns;
  if (now < next_batch_) return next_batch_;
  const std::size_t count = take_surplus(now, batch);
  if (count != 0) discard(batch.first(count));
  next_batch_ = surplus_ > 0 ? now + trim_pause_ns : period_end_;
  return warm_count_.read() == 0 ? never_ns : next_batch_;
}

std::size_t stack_shelf::take_surplus(deadline_ns now, std::span<stack> batch) noexcept {
  std::lock_guard guard(lock_);
  if (now >= period_end_) {
    surplus_ = std::max(lowest_ / 2, std::min(lowest_, never_less));
    lowest_ = warm_.count();
    period_end_ = now + trim_period_ns;
  }
  surplus_ = std::min(surplus_, lowest_);  // the others have been taken since
  const std::size_t count = std::min({surplus_, batch.size(), trim_batch_max});
  warm_.pop_oldest(batch.first(count));
  surplus_ -= count;
  lowest_ -= count;
  warm_count_.write(warm_.count());
  return count;
}

/// One call for neighbours: their guards stay, whatever is given back around them.
void stack_shelf::discard(std::span<stack> some) noexcept {
  const std::size_t bytes = stack_class_bytes(size_);
  std::sort(some.begin(), some.end(), [](stack a, stack b) { return a.low() < b.low(); });
  for (std::size_t i = 0; i < some.size();) {
    std::size_t next = i + 1;
    while (next < some.size() && some[next].low() == some[next - 1].low() + bytes) ++next;
    discard_stack_memory(some[i].low(), (next - i) * bytes);
    i = next;
  }
  std::lock_guard guard(lock_);
  cold_.insert(cold_.end(), some.begin(), some.end());
  given_back_.write(given_back_.read() + some.size());
}

void stack_shelf::list_slabs(std::vector<stack_slab>& to) {
  std::vector<stack_slab> copy;
  for (;;) {  // nothing is allocated under the lock
    std::size_t count = 0;
    {
      std::lock_guard guard(lock_);
      count = slabs_.size();
      if (count <= copy.capacity()) copy = slabs_;
    }
    if (count <= copy.capacity()) break;
    copy.reserve(count + 4);
  }
  to.insert(to.end(), copy.begin(), copy.end());
}

}  // namespace weft::detail
