// The pool: for each processor a lock, a ring of nodes with objects, and a chain of empty nodes.
//
// The owner of a processor takes the newest node, others the oldest. What lay unused for long goes:
// of the nodes that were not needed once during `period` puts, half. (Go asks its garbage collector
// when; a clock would wake a process that has nothing to do.)
// Why a lock, when a processor has one owner: a pool is also used by plain threads, and a processor
// may be taken from a goroutine that runs for long. An uncontended lock is one locked instruction.
// Threads: any. Locks: one spin lock a processor, leaves.
// Invariants: R1 a node is in one place: a ring, a chain of hollows, or with one caller.
//             R2 idle_ nodes at the bottom of the ring have not moved since the period began.
// Tested by: tests/unit/sync/pool_test.cpp, tests/conformance/sync/pool_test.cpp
#include <weft/detail/sync/pool_core.hpp>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <mutex>
#include <stdexcept>
#include <utility>

#include <weft/detail/atomic.hpp>

#include "port/cpu_count.hpp"
#include "port/sync/spin_lock.hpp"
#include "sched/scheduler.hpp"
#include "sync/gates/line.hpp"
#include "sync/locks/misuse.hpp"

namespace weft::detail {

class alignas(128) pool_core::shard {
 public:
  void allocate(std::size_t limit) {
    ring_ = std::make_unique<pool_node*[]>(limit);
    limit_ = limit;
  }
  /// A hint.
  bool has_nodes() const noexcept { return count_.read() != 0; }

  pool_node* pop_newest(std::int64_t lent) noexcept {
    const std::lock_guard guard(lock_);
    lent_ += lent;
    const std::size_t count = count_.read();
    if (count == 0) return nullptr;
    count_.write(count - 1);
    idle_ = std::min(idle_, count - 1);
    return ring_[index(count - 1)];
  }
  pool_node* pop_oldest() noexcept {
    const std::lock_guard guard(lock_);
    if (count_.read() == 0) return nullptr;
    idle_ -= idle_ != 0;
    return pop_oldest_locked();
  }
  pool_node* push(pool_node& node, std::int64_t lent) noexcept {
    const std::lock_guard guard(lock_);
    lent_ -= lent;
    const std::size_t count = count_.read();
    if (count == limit_) {
      node.next = nullptr;
      return &node;
    }
    ring_[index(count)] = &node;
    count_.write(count + 1);
    return ++puts_ == period ? drop_idle_locked() : nullptr;
  }

  pool_node* pop_hollow() noexcept {
    const std::lock_guard guard(lock_);
    pool_node* node = hollow_;
    if (!node) return nullptr;
    hollow_ = node->next;
    --hollow_count_;
    return node;
  }
  bool push_hollow(pool_node& node) noexcept {
    const std::lock_guard guard(lock_);
    if (hollow_count_ == limit_) return false;
    node.next = hollow_;
    hollow_ = &node;
    ++hollow_count_;
    return true;
  }
  pool_node* take_hollows() noexcept {
    const std::lock_guard guard(lock_);
    hollow_count_ = 0;
    return std::exchange(hollow_, nullptr);
  }

  void change_lent(std::int64_t by) noexcept {
    const std::lock_guard guard(lock_);
    lent_ += by;
  }
  std::int64_t lent() noexcept {
    const std::lock_guard guard(lock_);
    return lent_;
  }

 private:
  static constexpr std::uint32_t period = 1024;
  static constexpr std::size_t drop_max = 32;  // at a time: the lock is held

  std::size_t index(std::size_t i) const noexcept {
    const std::size_t at = bottom_ + i;
    return at < limit_ ? at : at - limit_;
  }
  pool_node* pop_oldest_locked() noexcept {
    pool_node* node = ring_[bottom_];
    bottom_ = index(1);
    count_.write(count_.read() - 1);
    return node;
  }
  pool_node* drop_idle_locked() noexcept {
    pool_node* chain = nullptr;
    for (std::size_t n = std::min((idle_ + 1) / 2, drop_max); n != 0; --n) {
      pool_node* node = pop_oldest_locked();
      node->next = chain;
      chain = node;
    }
    puts_ = 0;
    idle_ = count_.read();
    return chain;
  }

  spin_lock lock_;
  std::uint32_t puts_ = 0;
  hint<std::size_t> count_{0};
  std::size_t bottom_ = 0;
  std::size_t idle_ = 0;
  std::size_t limit_ = 0;
  std::unique_ptr<pool_node*[]> ring_;
  pool_node* hollow_ = nullptr;
  std::size_t hollow_count_ = 0;
  std::int64_t lent_ = 0;  // the sum over all processors is what is lent
};

pool_core::pool_core(std::size_t limit) {
  if (limit == 0 || limit > 65'536) throw std::invalid_argument("pool: limit out of range");
  count_ = std::bit_ceil(static_cast<std::size_t>(affinity_count()));
  shards_ = std::make_unique<shard[]>(count_);
  for (std::size_t i = 0; i < count_; ++i) shards_[i].allocate(limit);
}

pool_core::~pool_core() = default;

pool_core::shard& pool_core::own() noexcept {
  return shards_[static_cast<std::size_t>(this_processor()) & (count_ - 1)];
}

pool_node* pool_core::take_elsewhere(const shard& own) noexcept {
  for (std::size_t i = 0; i < count_; ++i) {
    shard& other = shards_[i];
    if (&other == &own || !other.has_nodes()) continue;
    if (pool_node* node = other.pop_oldest()) return node;
  }
  return nullptr;
}

pool_node* pool_core::take_full() noexcept {
  shard& s = own();
  pool_node* node = s.pop_newest(0);
  return node ? node : take_elsewhere(s);
}
pool_node* pool_core::put_full(pool_node& node) noexcept { return own().push(node, 0); }

pool_node* pool_core::lend() noexcept {
  shard& s = own();
  pool_node* node = s.pop_newest(1);
  return node ? node : take_elsewhere(s);
}
pool_node* pool_core::put_lent(pool_node& node) noexcept { return own().push(node, 1); }
void pool_core::forget_lent() noexcept { own().change_lent(-1); }

pool_node* pool_core::take_hollow() noexcept { return own().pop_hollow(); }
bool pool_core::put_hollow(pool_node& node) noexcept { return own().push_hollow(node); }

void pool_core::expect_nothing_lent() noexcept {
  if (program_ends()) return;
  std::int64_t lent = 0;
  for (std::size_t i = 0; i < count_; ++i) lent += shards_[i].lent();
  if (lent != 0) die_of_misuse("weft::pool destroyed while an object is borrowed from it");
}

pool_core::contents pool_core::take_all() noexcept {
  contents all;
  for (std::size_t i = 0; i < count_; ++i) {
    while (pool_node* node = shards_[i].pop_oldest()) {
      node->next = all.full;
      all.full = node;
    }
    pool_node* hollow = shards_[i].take_hollows();
    while (hollow) {
      pool_node* rest = hollow->next;
      hollow->next = all.hollow;
      all.hollow = std::exchange(hollow, rest);
    }
  }
  return all;
}

}  // namespace weft::detail
