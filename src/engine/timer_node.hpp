// What stands in a timer heap: a wait to end, or something to do.
//
// Its links serve the heap's two halves, one after the other: the wheel while it is far off, the
// pairing heap from shortly before it is due. So arming needs no memory, and cannot fail.
// Threads: under the lock of the heap that holds it; see timer_heap.hpp.
// Tested by: tests/unit/engine/timer_heap_test.cpp
#pragma once

#include <cstdint>

#include <weft/detail/atomic.hpp>
#include <weft/detail/deadline.hpp>

#include "fiber/waiter.hpp"

namespace weft::detail {

class timer_heap;
class timer_wheel;

/// Something that is due at a time. At most one heap holds it.
class timer_node {
 public:
  enum class kind : std::uint8_t { wake, action };

  timer_node(const timer_node&) = delete;
  timer_node& operator=(const timer_node&) = delete;

 protected:
  explicit timer_node(kind k) noexcept : kind_(k) {}
  ~timer_node() = default;

 private:
  friend class timer_heap;
  friend class timer_wheel;
  deadline_ns when_ = never_ns;
  published<timer_heap*> home_{nullptr};
  timer_node* child_ = nullptr;
  timer_node* sibling_ = nullptr;
  timer_node* previous_ = nullptr;  // the sibling before, or the parent of a first child
  const kind kind_;
  std::uint16_t slot_ = 0;  // of the wheel, counted from 1; 0: it is in the pairing heap
};

/// Ends one wait, unless somebody else claims it first.
class timed_wake : public timer_node {
 public:
  static constexpr std::uint32_t claimed_by_timer = UINT32_MAX - 1;

  timed_wake(waiter& who, wait_claim& claim) noexcept
      : timer_node(kind::wake), who_(who), claim_(claim) {}

 private:
  friend class timer_heap;
  waiter& who_;
  wait_claim& claim_;
};

/// Something that happens when it is due: a send to a timer's channel, a start of a function.
class timed_action : public timer_node {
 public:
  /// The action's life is shared; a heap that fires it holds a reference meanwhile.
  virtual bool try_retain() noexcept = 0;  // under the heap's lock; false: it is being destroyed
  virtual void release() noexcept = 0;
  /// `due`: when. `epoch`: what arm() was given.
  virtual void fire(deadline_ns due, std::uint64_t epoch, wake_list& woken) noexcept = 0;

 protected:
  timed_action() noexcept : timer_node(kind::action) {}
  virtual ~timed_action() = default;

 private:
  friend class timer_heap;
  deadline_ns period_ = 0;  // 0: once
  std::uint64_t epoch_ = 0;
};

}  // namespace weft::detail
