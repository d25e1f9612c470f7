// The pool: for each thread a ring of nodes with objects and a chain of empty nodes.
//
// A thread takes its newest node; one that has none takes half of what another has, the oldest.
// What lay unused for long goes: of the nodes that were not needed once during `period` puts, half.
// (Go asks its garbage collector when; a clock would wake a process that has nothing to do.)
// Why shards of threads and not of processors: a thread cannot be taken from whom it runs, so its
// own operations need no locked instruction (7 ns became 3); who steals pays with a heavy_barrier.
// Threads: any. Locks: the owner lock of a shard; `crowd` before it, where threads share one.
// Invariants: R1 a node is in one place: a ring, a chain of hollows, or with one caller.
//             R2 idle_ nodes at the bottom of the ring have not moved since the period began.
//             R3 a shard's owner is the thread with its number, or who holds its `crowd`.
// Tested by: tests/unit/sync/pool_test.cpp, tests/conformance/sync/pool_test.cpp
#include <weft/detail/sync/pool_core.hpp>

#include <algorithm>
#include <cstdint>
#include <new>
#include <stdexcept>
#include <utility>

#include <weft/detail/atomic.hpp>

#include "port/cpu_count.hpp"
#include "port/sync/barrier.hpp"
#include "port/sync/spin_lock.hpp"
#include "sched/owner_lock.hpp"
#include "sync/gates/line.hpp"
#include "sync/gates/thread_slot.hpp"
#include "sync/locks/misuse.hpp"

namespace weft::detail {

class alignas(128) pool_core::shard {
 public:
  static constexpr std::size_t steal_max = 32;  // at a time: the lock is held, and it fits

  void allocate(std::size_t limit) {
    room_ = std::min(limit, first_room);
    ring_ = std::make_unique<pool_node*[]>(room_);
    limit_ = limit;
  }

  // The owner's side.
  pool_node* pop_newest_owner(std::int64_t lent) noexcept {
    const owner_section inside(lock_);
    lent_ += lent;
    const std::size_t count = count_.read();
    if (count == 0) return nullptr;
    count_.write(count - 1);
    idle_ = std::min(idle_, count - 1);
    return ring_[index(count - 1)];
  }
  pool_node* push_owner(pool_node& node, std::int64_t lent) noexcept {
    const owner_section inside(lock_);
    lent_ -= lent;
    const std::size_t count = count_.read();
    if (count == room_ && !grow_locked()) [[unlikely]] {
      node.next = nullptr;
      return &node;
    }
    ring_[index(count)] = &node;
    count_.write(count + 1);
    return ++puts_ == period ? drop_idle_locked() : nullptr;
  }
  /// Into an empty ring what was stolen; there is room for it.
  void adopt_owner(pool_node* chain) noexcept {
    const owner_section inside(lock_);
    for (; chain; chain = chain->next) {
      ring_[index(count_.read())] = chain;
      count_.bump();
    }
  }
  pool_node* pop_hollow_owner() noexcept {
    const owner_section inside(lock_);
    pool_node* node = hollow_;
    if (!node) return nullptr;
    hollow_ = node->next;
    hollow_count_.write(hollow_count_.read() - 1);
    return node;
  }
  bool push_hollow_owner(pool_node& node) noexcept {
    const owner_section inside(lock_);
    if (hollow_count_.read() == limit_) return false;
    node.next = hollow_;
    hollow_ = &node;
    hollow_count_.bump();
    return true;
  }
  void forget_lent_owner() noexcept {
    const owner_section inside(lock_);
    --lent_;
  }

  // Everybody else's side.
  bool has_full() const noexcept { return count_.read() != 0; }
  bool has_hollow() const noexcept { return hollow_count_.read() != 0; }
  /// The oldest, at most `most` and half of what it has. Null: nothing, or it is in use.
  pool_node* steal(std::size_t most) noexcept {
    if (!lock_.try_lock_thief()) return nullptr;
    pool_node* chain = nullptr;
    pool_node** end = &chain;
    for (std::size_t n = std::min((count_.read() + 1) / 2, most); n != 0; --n) {
      *end = pop_oldest_locked();
      end = &(*end)->next;
    }
    *end = nullptr;
    lock_.unlock_thief();
    return chain;
  }
  pool_node* take_hollows() noexcept {
    if (!lock_.try_lock_thief()) return nullptr;
    hollow_count_.write(0);
    pool_node* all = std::exchange(hollow_, nullptr);
    lock_.unlock_thief();
    return all;
  }

  /// Only when nobody else uses the pool.
  std::int64_t lent() const noexcept { return lent_; }

  spin_lock crowd;

 private:
  static constexpr std::uint32_t period = 1024;
  static constexpr std::size_t first_room = 32;
  static_assert(first_room >= steal_max, "what was stolen fits into an empty ring");

  std::size_t index(std::size_t i) const noexcept {
    const std::size_t at = bottom_ + i;
    return at < room_ ? at : at - room_;
  }
  /// The ring is full. Returns: whether there is more room now.
  [[gnu::noinline]] bool grow_locked() noexcept {
    const std::size_t more = std::min(limit_, 2 * room_);
    if (more == room_) return false;
    std::unique_ptr<pool_node*[]> larger(new (std::nothrow) pool_node*[more]());
    if (!larger) return false;
    for (std::size_t i = 0; i < room_; ++i) larger[i] = ring_[index(i)];
    ring_ = std::move(larger);
    room_ = more;
    bottom_ = 0;
    return true;
  }
  pool_node* pop_oldest_locked() noexcept {
    pool_node* node = ring_[bottom_];
    bottom_ = index(1);
    count_.write(count_.read() - 1);
    idle_ -= idle_ != 0;
    return node;
  }
  pool_node* drop_idle_locked() noexcept {
    pool_node* chain = nullptr;
    for (std::size_t n = std::min((idle_ + 1) / 2, steal_max); n != 0; --n) {
      pool_node* node = pop_oldest_locked();
      node->next = chain;
      chain = node;
    }
    puts_ = 0;
    idle_ = count_.read();
    return chain;
  }

  owner_lock lock_;
  std::uint32_t puts_ = 0;
  hint<std::size_t> count_{0};
  hint<std::size_t> hollow_count_{0};
  std::size_t bottom_ = 0;
  std::size_t idle_ = 0;
  std::size_t room_ = 0;
  std::size_t limit_ = 0;
  std::unique_ptr<pool_node*[]> ring_;
  pool_node* hollow_ = nullptr;
  std::int64_t lent_ = 0;  // the sum over all shards is what is lent
};

/// The calling thread's shard, and the right to be its owner. Must not be held across a park.
class pool_core::own_shard {
 public:
  explicit own_shard(pool_core& p) noexcept
      : shard_(p.shards_[std::min(static_cast<std::size_t>(thread_slot()), p.shared_)]),
        crowded_(&shard_ == &p.shards_[p.shared_]) {
    if (crowded_) [[unlikely]]
      shard_.crowd.lock();
  }
  own_shard(const own_shard&) = delete;
  own_shard& operator=(const own_shard&) = delete;
  ~own_shard() {
    if (crowded_) [[unlikely]]
      shard_.crowd.unlock();
  }
  shard* operator->() const noexcept { return &shard_; }
  /// What it may steal at a time: a crowd might fill the ring meanwhile.
  std::size_t loot_max() const noexcept { return crowded_ ? 1 : shard::steal_max; }

 private:
  shard& shard_;
  const bool crowded_;
};

pool_core::pool_core(std::size_t limit)
    : shared_(std::max(std::size_t{8}, 2 * static_cast<std::size_t>(affinity_count()))) {
  if (limit == 0 || limit > 65'536) throw std::invalid_argument("pool: limit out of range");
  shards_ = std::make_unique<shard[]>(shared_ + 1);
  for (std::size_t i = 0; i <= shared_; ++i) shards_[i].allocate(limit);
  if (!light_barrier_is_free.read()) prepare_barriers();
}

pool_core::~pool_core() = default;

/// A node of another thread; what was stolen with it becomes the caller's.
pool_node* pool_core::take_elsewhere(const own_shard& own) noexcept {
  for (std::size_t i = 0; i <= shared_; ++i) {
    if (!shards_[i].has_full()) continue;
    pool_node* first = shards_[i].steal(own.loot_max());
    if (!first) continue;
    if (first->next) own->adopt_owner(first->next);
    return first;
  }
  return nullptr;
}

namespace {

/// A put happens before the take of what was put.
pool_node* heard(pool_node* chain) noexcept {
  if constexpr (tells_users)
    for (pool_node* node = chain; node; node = node->next) hear_at(node);
  return chain;
}
pool_node* heard_one(pool_node* node) noexcept {
  if (node) hear_at(node);
  return node;
}

}  // namespace

pool_node* pool_core::take_full() noexcept {
  const own_shard own(*this);
  pool_node* node = own->pop_newest_owner(0);
  return heard_one(node ? node : take_elsewhere(own));
}
pool_node* pool_core::lend() noexcept {
  const own_shard own(*this);
  pool_node* node = own->pop_newest_owner(1);
  return heard_one(node ? node : take_elsewhere(own));
}
pool_node* pool_core::put_full(pool_node& node) noexcept {
  tell_at(&node);
  return heard(own_shard(*this)->push_owner(node, 0));
}
pool_node* pool_core::put_lent(pool_node& node) noexcept {
  tell_at(&node);
  return heard(own_shard(*this)->push_owner(node, 1));
}
void pool_core::forget_lent() noexcept { own_shard(*this)->forget_lent_owner(); }
pool_node* pool_core::take_hollow() noexcept {
  return heard_one(own_shard(*this)->pop_hollow_owner());
}
bool pool_core::put_hollow(pool_node& node) noexcept {
  tell_at(&node);
  return own_shard(*this)->push_hollow_owner(node);
}

void pool_core::expect_nothing_lent() noexcept {
  if (program_ends()) return;
  std::int64_t lent = 0;
  for (std::size_t i = 0; i <= shared_; ++i) lent += shards_[i].lent();
  if (lent != 0) die_of_misuse("weft::pool destroyed while an object is borrowed from it");
}

pool_core::contents pool_core::take_all() noexcept {
  contents all;
  for (std::size_t i = 0; i <= shared_; ++i) {
    while (shards_[i].has_full()) {
      pool_node* chain = shards_[i].steal(shard::steal_max);
      if (!chain) break;
      while (chain) {
        pool_node* rest = chain->next;
        chain->next = all.full;
        all.full = std::exchange(chain, rest);
      }
    }
    pool_node* hollow = shards_[i].has_hollow() ? shards_[i].take_hollows() : nullptr;
    while (hollow) {
      pool_node* rest = hollow->next;
      hollow->next = all.hollow;
      all.hollow = std::exchange(hollow, rest);
    }
  }
  static_cast<void>(heard(all.full));
  static_cast<void>(heard(all.hollow));
  return all;
}

}  // namespace weft::detail
