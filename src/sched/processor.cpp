// The run queues. Plain lists under the owner lock; see processor.hpp for the order of service.
#include "sched/processor.hpp"

#include <algorithm>
#include <utility>

#include "port/clock.hpp"

namespace weft::detail {
namespace {

/// The next to run but one. Its block was asked for a turn ago; now the frames of its wait, about
/// 600 bytes, and where a read that waited puts what comes. Inline: a call that has no effect but
/// on the caches is left out by the compiler.
[[gnu::always_inline]] inline void fetch_ahead(const waiter* front) noexcept {
  if (!front) return;
  const auto* g = static_cast<const goroutine*>(front);
  const auto* top = static_cast<const std::byte*>(g->context.stack_pointer);
  for (int line = 0; line < 12; ++line) __builtin_prefetch(top + 64 * line, 1);
  __builtin_prefetch(g->next, 1);
}

}  // namespace

goroutine* processor::pop_fresh_locked(bool oldest) noexcept {
  goroutine* g = oldest ? fresh_.pop_back() : fresh_.pop_front();
  if (!g) return nullptr;
  --fresh_count_;
  if (oldest || fresh_count_ == 0) oldest_fresh_.write(fresh_.back());
  return g;
}

goroutine* processor::pop_started_locked() noexcept {
  waiter* first = started_.pop_front();
  if (!first) return nullptr;
  started_popped_.bump();
  return static_cast<goroutine*>(first);
}

void processor::push_fresh_owner(goroutine* g) noexcept {
  owner_section section(lock_);
  push_fresh_locked(g);
}

void processor::push_started_owner(goroutine* g) noexcept {
  owner_section section(lock_);
  push_started_locked(g);
}

void processor::push_first_owner(goroutine* g) noexcept {
  owner_section section(lock_);
  started_.push_front(g);
  started_pushed_.bump();
}

void processor::push_oldest_owner(goroutine* g) noexcept {
  owner_section section(lock_);
  if (fresh_.empty()) begin_spell_locked(g);
  fresh_.push_back(g);
  ++fresh_count_;
  oldest_fresh_.write(g);
}

void processor::set_next_owner(goroutine* g) noexcept {
  owner_section section(lock_);
  set_next_locked(g);
}

goroutine* processor::take_next_owner() noexcept {
  owner_section section(lock_);
  goroutine* g = next_.read();
  next_.write(nullptr);
  return g;
}

void processor::push_batch_owner(batch&& b) noexcept {
  owner_section section(lock_);
  while (waiter* w = b.started.pop_front()) push_started_locked(static_cast<goroutine*>(w));
  while (goroutine* g = b.fresh.pop_back()) push_fresh_locked(g);
}

goroutine* processor::pick_owner() noexcept {
  owner_section section(lock_);
  goroutine* next = next_.read();
  if (next) {
    next_.write(nullptr);
    if (next_run_.read() < next_run_max) {
      next_run_.bump();
      return next;
    }
    push_started_locked(next);
  }
  next_run_.write(0);
  picks_.bump();
  if (--until_oldest_ == 0) {
    until_oldest_ = oldest_every;
    if (started_pushed_.read() - started_popped_.read() > crowd_count) expect_cold_owner();
    if (fresh_starve()) {
      if (goroutine* g = pop_fresh_locked(true)) return g;
    }
  }
  if (goroutine* g = pop_started_locked()) {
    if (started_popped_.read() < cold_until_) [[unlikely]]
      fetch_ahead(started_.front());
    return g;
  }
  newest_served_ = true;
  return pop_fresh_locked(false);
}

/// Since this was asked before no fresh one had a turn, or the coarse clock has ticked; or nobody
/// makes it tick. Who spawns and waits gets to the oldest in the end; until then it is the largest
/// part of the work, and better left for another processor than begun here.
bool processor::fresh_starve() noexcept {
  const std::uint32_t now = coarse_clock.read();
  const bool patient = std::exchange(newest_served_, false) && oldest_asked_at_ == now;
  oldest_asked_at_ = now;
  oldest_put_off_ = patient && oldest_put_off_ < put_off_max ? oldest_put_off_ + 1 : 0;
  return oldest_put_off_ == 0;
}

bool processor::take_back_owner(goroutine* g, std::uint64_t id) noexcept {
  owner_section section(lock_);
  // A block that has been used again since then has another id.
  if (fresh_.front() != g || g->id != id) return false;
  return pop_fresh_locked(false) != nullptr;
}

batch processor::take_all_owner() noexcept {
  owner_section section(lock_);
  batch all;
  take_all_locked(all);
  return all;
}

bool processor::try_take_all(batch& all) noexcept {
  if (!lock_.try_lock_thief()) return false;
  take_all_locked(all);
  lock_.unlock_thief();
  return true;
}

void processor::take_all_locked(batch& all) noexcept {
  if (goroutine* next = next_.read()) {
    next_.write(nullptr);
    push_started_locked(next);
  }
  while (goroutine* g = pop_started_locked()) all.started.push_back(g);
  while (goroutine* g = pop_fresh_locked(true)) all.fresh.push_front(g);
}

void processor::sample() noexcept {
  const std::uint64_t spell = fresh_spell_.read();
  sampled_.fresh_spell.write(oldest_fresh_.read() ? spell : 0);
  sampled_.started_pushed.write(started_pushed_.read());
  sampled_.next.write(next_.read());
  sampled_.next_number.write(next_number_.read());
}

bool processor::has_work() const noexcept {
  return next_.read() || oldest_fresh_.read() || started_pushed_.read() != started_popped_.read();
}

bool processor::has_company() const noexcept {
  if (oldest_fresh_.read()) return true;
  return (next_.read() ? 1 : 0) + (started_pushed_.read() - started_popped_.read()) > 1;
}

batch processor::steal_aged() noexcept {
  const auto fresh_aged = [this] {
    if (!oldest_fresh_.read()) return false;
    return fresh_spell_.read() == sampled_.fresh_spell.read() || inviting_.read();
  };
  const auto started_aged = [this] {
    return started_popped_.read() < sampled_.started_pushed.read();
  };
  const auto next_aged = [this] {
    const goroutine* seen = sampled_.next.read();
    return seen && next_.read() == seen && next_number_.read() == sampled_.next_number.read();
  };
  batch loot;
  if (!fresh_aged() && !started_aged() && !next_aged()) return loot;
  if (!lock_.try_lock_thief()) return loot;
  if (fresh_aged())
    steal_fresh_locked(loot);
  else if (started_aged())
    steal_started_locked(loot);
  else if (next_aged()) {
    loot.started.push_back(next_.read());
    next_.write(nullptr);
  }
  lock_.unlock_thief();
  return loot;
}

goroutine* processor::steal_next(const next_slot& seen) noexcept {
  if (!lock_.try_lock_thief()) return nullptr;
  goroutine* taken = look_at_next() == seen ? next_.read() : nullptr;
  if (taken) next_.write(nullptr);
  lock_.unlock_thief();
  return taken;
}

void processor::steal_fresh_locked(batch& loot) noexcept {
  inviting_.write(false);
  sampled_.fresh_spell.write(0);  // what is left has to wait for another look
  std::size_t count = std::min((fresh_count_ + 1) / 2, steal_count_max);
  for (; count > 0; --count)
    if (goroutine* g = pop_fresh_locked(true)) loot.fresh.push_front(g);
}

void processor::steal_started_locked(batch& loot) noexcept {
  const std::uint64_t waiting = started_pushed_.read() - started_popped_.read();
  std::uint64_t count = std::min<std::uint64_t>((waiting + 1) / 2, steal_count_max);
  for (; count > 0; --count)
    if (goroutine* g = pop_started_locked()) loot.started.push_back(g);
}

}  // namespace weft::detail
