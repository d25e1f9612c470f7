// A function that starts as a goroutine when a context is cancelled.
//
// It does not keep the context alive, unless that has a timer of its own: otherwise two that
// refer to each other would never end. When the context is destroyed, its functions move to the
// nearest ancestor, which is what would have cancelled them.
// Threads: any. Locks: `lock_`, then a cancel_state's.
// Invariants: R1 home_ is set => that node is alive: it, or who tells it, resets home_ first.
//             R2 whoever wins the fate drops the registration's reference.
// Orders: refs: a dropped reference's use happens before the destruction.
//         fate: the winner's exchange decides; what it does is ordered by refs.
// Tested by: tests/conformance/context, tests/stress/cancel_test.cpp
#pragma once

#include <cstdint>
#include <optional>

#include <weft/detail/atomic.hpp>
#include <weft/detail/context_core.hpp>
#include <weft/detail/spawn.hpp>

#include "port/sync/spin_lock.hpp"
#include "wait/cancel_state.hpp"

namespace weft::detail {

class cancellable_node;

class after_call final : public cancel_link {
 public:
  after_call(creation_site site, std::size_t bytes, std::size_t alignment)
      : draft_(std::in_place, spawn_request{.site = site}, bytes, alignment) {}
  ~after_call();

  void* storage() const noexcept { return draft_->storage(); }
  void attach(cancellable_node* node, void (*run)(void*), void (*destroy)(void*) noexcept) noexcept;
  [[nodiscard]] bool stop() noexcept;
  /// For a node that is being destroyed. `above` may be null. Takes over a reference.
  void move_to(cancellable_node* above) noexcept;

  void retain() noexcept;
  void release() noexcept;

 private:
  enum class fate : std::uint8_t { open, started, dropped };

  bool win(fate f) noexcept;
  bool join_locked(cancellable_node* node) noexcept;
  /// Returns what was kept alive for it.
  context_node* leave_home() noexcept;
  void start_now() noexcept;
  void destroy_function() noexcept;

  bool try_retain() noexcept override;
  void on_cancel(cancel_run& run) noexcept override;
  void settle(bool on_clock) noexcept override;

  std::optional<goroutine_draft> draft_;
  void (*run_)(void*) = nullptr;
  void (*destroy_)(void*) noexcept = nullptr;  // null: there is no function yet
  spin_lock lock_;
  cancellable_node* home_ = nullptr;
  context_node* kept_ = nullptr;
  bool registered_ = false;  // one reference is the registration's
  atomic<fate> fate_{fate::open};
  atomic<std::uint32_t> refs_{1};
};

}  // namespace weft::detail
