// The right to run goroutines, and the queues, caches, timers and counters that go with it.
//
// Three places for runnable goroutines: the next-slot (made ready by the one that runs; it inherits
// the turn), the started ones (first in, first out) and the fresh ones (newest first for the owner,
// oldest first for thieves: newest-first keeps the number of live stacks small in fork-join
// shapes).
//
// Threads: x_owner() only by the worker that owns the processor; steal_aged() and sample() by the
//          lookout; the hints by anyone.
// Invariants: R1 a runnable goroutine is in one place of one processor or in the injection queue.
//             R2 nothing starves: at most next_run_max turns are inherited in a row; every
//                oldest_every-th pick takes the oldest fresh one if none had a turn since the last
//                such pick, or if the coarse clock has ticked, or at every 64th.
// Tested by: tests/unit/sched/processor_test.cpp
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <weft/detail/atomic.hpp>

#include "base/block_cache.hpp"
#include "base/intrusive_list.hpp"
#include "engine/timer_heap.hpp"
#include "fiber/goroutine.hpp"
#include "fiber/goroutine_pool.hpp"
#include "fiber/stack.hpp"
#include "sched/housekeeping.hpp"
#include "sched/owner_lock.hpp"

namespace weft::detail {

using fresh_deque = intrusive_deque<goroutine, &goroutine::next_fresh, &goroutine::previous_fresh>;

/// Runnable goroutines on their way between processors.
struct batch {
  wake_list started;
  fresh_deque fresh;
  bool empty() const noexcept { return started.empty() && fresh.empty(); }
};

/// Numbers taken from the process in one go.
struct id_block {
  std::uint64_t next = 0;
  std::uint64_t end = 0;

  bool empty() const noexcept { return next == end; }
  /// Only while some are left.
  std::uint64_t take() noexcept { return next++; }
};

/// Who sits in a processor's next-slot, and a number that changes with whoever sits down.
struct next_slot {
  const goroutine* held = nullptr;
  std::uint64_t number = 0;
  bool operator==(const next_slot&) const = default;
};

class alignas(128) processor {
 public:
  explicit processor(int number) noexcept : number_(number) {}

  int number() const noexcept { return number_.read(); }
  void set_number(int number) noexcept { number_.write(number); }

  // The owner's side.
  void push_fresh_owner(goroutine* g) noexcept;
  /// The same; false, and nothing happened, if it would take more than a few instructions.
  [[nodiscard, gnu::always_inline]] bool push_fresh_at_once(goroutine* g) noexcept {
    if (!lock_.lock_owner_at_once()) [[unlikely]]
      return false;
    push_fresh_locked(g);
    lock_.unlock_owner();
    return true;
  }
  void push_started_owner(goroutine* g) noexcept;
  /// Its turn had come, but another goes first.
  void push_first_owner(goroutine* g) noexcept;
  /// The last to be picked: something it needs is not to be had now.
  void push_oldest_owner(goroutine* g) noexcept;
  void set_next_owner(goroutine* g) noexcept;
  goroutine* take_next_owner() noexcept;
  /// As push_fresh_at_once().
  [[nodiscard, gnu::always_inline]] bool set_next_at_once(goroutine* g) noexcept {
    if (!lock_.lock_owner_at_once()) [[unlikely]]
      return false;
    set_next_locked(g);
    lock_.unlock_owner();
    return true;
  }
  void push_batch_owner(batch&& b) noexcept;
  /// Those that wait here, if there are some, have not run for long: timers or descriptors have
  /// woken them. Their stacks are asked for before their turns.
  void expect_cold_owner() noexcept {
    const std::uint64_t pushed = started_pushed_.read();
    if (pushed - started_popped_.read() >= cold_count) cold_until_ = pushed;
  }
  /// Null: nothing is runnable here.
  goroutine* pick_owner() noexcept;
  /// Takes `g` out again if it is the newest fresh one here, and still the one with that id.
  [[nodiscard]] bool take_back_owner(goroutine* g, std::uint64_t id) noexcept;
  /// The next thief need not wait until what is fresh here has aged.
  void invite_owner() noexcept { inviting_.write(true); }
  /// Empties every queue.
  batch take_all_owner() noexcept;

  // Anybody else's side.
  /// Adds what is runnable to `all`. False: the owner was inside for too long.
  [[nodiscard]] bool try_take_all(batch& all) noexcept;

  // The lookout's side.
  /// Remembers what is waiting now, for the next call of steal_aged.
  void sample() noexcept;
  /// Takes part of what has been waiting since the last sample: the oldest half of a queue, or what
  /// sits in the next-slot. Quick work is left alone, because its owner is faster at it.
  batch steal_aged() noexcept;
  next_slot look_at_next() const noexcept { return {next_.read(), next_number_.read()}; }
  /// Null: it is no longer the one that was seen.
  goroutine* steal_next(const next_slot& seen) noexcept;
  /// A hint: whether anything is runnable.
  bool has_work() const noexcept;
  /// A hint: whether there is more than one that was made ready, or one that was started, which is
  /// meant to run beside others.
  bool has_company() const noexcept;
  /// A hint that grows when the one that runs starts others or makes them ready.
  std::uint64_t pushes() const noexcept {
    return created.read() + next_number_.read() + started_pushed_.read();
  }
  /// A hint that changes with every pick: what the monitor compares.
  std::uint64_t turns() const noexcept {
    return std::uint64_t{picks_.read()} * (2 * next_run_max) + next_run_.read();
  }

  // Counters, written by the owner.
  hint<std::uint64_t> created;
  hint<std::uint64_t> finished;

  // The owner's caches.
  goroutine_cache goroutines;
  std::array<stack, 64> stacks;
  std::size_t stacks_cached = 0;
  id_block ids;
  housekeeping_pace looks;
  deadline_ns gave_at = 0;  // when it last gave a goroutine away

  /// Of the objects that are at home here: see home/home.hpp.
  owner_lock home;
  block_cache small_blocks;  // the owner's: of objects that were made here, or ended here

  hint<worker*> holder{nullptr};  // who owns it; written under the idle lock
  hint<int> holder_thread{0};
  processor* next_made = nullptr;    // in the list of all; constant once it is in
  processor* next_unused = nullptr;  // under the idle lock

  /// Set by anyone: the owner must look at its worker's loop (retire, stop) at its next switch.
  hint<bool> attention;
  /// Its place was given to another processor because its worker was stuck: what its owner makes
  /// runnable here is handed on at once, and at its next switch the owner gives the processor back.
  hint<bool> detached;

 private:
  static constexpr std::uint32_t next_run_max = 64;
  static constexpr std::uint32_t oldest_every = 61;
  static constexpr std::uint32_t put_off_max = 63;
  static constexpr std::size_t steal_count_max = 256;
  /// From here on the caches do not hold the blocks and stacks of all who wait for a turn.
  static constexpr std::uint64_t crowd_count = 1024;
  /// The same where nobody's stack has been in use a moment ago.
  static constexpr std::uint64_t cold_count = 8;

  /// What waited when the lookout last looked. Two of them may overlap for a moment while the role
  /// changes hands: a mixed snapshot is only a wrong guess about age.
  struct snapshot {
    hint<std::uint64_t> fresh_spell;  // 0: nothing was fresh
    hint<std::uint64_t> started_pushed;
    hint<const goroutine*> next{nullptr};
    hint<std::uint64_t> next_number;
  };

  void take_all_locked(batch& all) noexcept;
  [[gnu::always_inline]] void push_started_locked(goroutine* g) noexcept {
    started_.push_back(g);
    started_pushed_.bump();
  }
  [[gnu::always_inline]] void set_next_locked(goroutine* g) noexcept {
    if (goroutine* earlier = next_.read()) push_started_locked(earlier);
    next_.write(g);
    next_number_.bump();
  }
  [[gnu::always_inline]] void begin_spell_locked(goroutine* g) noexcept {
    oldest_fresh_.write(g);
    fresh_spell_.bump();
  }
  [[gnu::always_inline]] void push_fresh_locked(goroutine* g) noexcept {
    if (fresh_.empty()) begin_spell_locked(g);
    fresh_.push_front(g);
    ++fresh_count_;
  }
  goroutine* pop_fresh_locked(bool oldest) noexcept;
  goroutine* pop_started_locked() noexcept;
  bool fresh_starve() noexcept;
  void steal_fresh_locked(batch& loot) noexcept;
  void steal_started_locked(batch& loot) noexcept;

  // Two cache lines: the first for those that have been started.
  alignas(64) owner_lock lock_;
  hint<int> number_;
  hint<std::uint32_t> next_run_;
  hint<std::uint32_t> picks_;
  std::uint32_t until_oldest_ = oldest_every;
  std::uint64_t cold_until_ = 0;  // of the count of started ones that were popped
  hint<goroutine*> next_{nullptr};
  hint<std::uint64_t> next_number_;
  wake_list started_;
  hint<std::uint64_t> started_pushed_;
  hint<std::uint64_t> started_popped_;
  fresh_deque fresh_;
  hint<goroutine*> oldest_fresh_{nullptr};
  /// Grows when the first one comes. In one spell something fresh waited all the time; blocks are
  /// used again, and the owner takes the oldest now and then, so that no address says as much.
  hint<std::uint64_t> fresh_spell_;
  hint<bool> inviting_{false};
  bool newest_served_ = false;
  std::uint32_t oldest_asked_at_ = 0;  // coarse clock
  std::uint32_t oldest_put_off_ = 0;
  std::size_t fresh_count_ = 0;
  snapshot sampled_;

 public:
  timer_heap timers;  // last: nine pages
};

}  // namespace weft::detail
