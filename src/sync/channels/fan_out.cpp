// One value to every subscriber: what broadcast and watch are made of.
//
// Each subscriber has a plain channel of its own; where its ring is full, the oldest value makes
// way. Senders take turns through the gate, so that all subscribers see the same order. The copies
// are made before the gate is taken and what is left over ends after it: under the gate and under
// the locks no user code runs but nothrow moves.
//
// Threads: any. Locks: the gate (it parks), then the core's lock or one subscriber's.
// Invariants: R1 the list of subscribers changes only with the lock held and not while delivering_:
//                a sender walks it without the lock. A subscriber that is dropped meanwhile is
//                kept, dead, until that delivery is over.
//             R2 latest_ changes with gate and lock held, before the value reaches anyone.
// Orders: refs: a dropped handle's use of it happens before it is destroyed.
// Tested by: tests/conformance/channels/{broadcast,watch}_test.cpp
#include <weft/detail/channel_kinds.hpp>

#include <array>
#include <mutex>
#include <utility>

#include <weft/error.hpp>

#include "base/intrusive_list.hpp"
#include "sched/scheduler.hpp"
#include "sync/channel.hpp"
#include "sync/channel_memory.hpp"

namespace weft::detail {

class subscriber final : public channel_core {
 public:
  subscriber(const element_ops& ops, std::size_t capacity, std::byte* buffer,
             fan_out_core& from) noexcept;

  /// Moves the element in; a full ring leaves its oldest there instead.
  void deliver(void* element, void* spare, wake_list& woken) noexcept {
    waiter* receiver = nullptr;
    lock.lock();
    if (send_locked(element, receiver) == attempt::blocked) {
      exchange_oldest_locked(element, spare);
      missed_.bump();
    }
    lock.unlock();
    if (receiver) woken.push_back(receiver);
  }

  void end(wake_list& woken) noexcept {
    std::lock_guard guard(lock);
    static_cast<void>(close_locked(woken));
  }

  std::uint64_t missed() const noexcept { return missed_.read(); }
  void destroy() noexcept;

  subscriber* next = nullptr;
  subscriber* previous = nullptr;
  subscriber* next_dead = nullptr;
  bool listed = false;

 private:
  friend channel_memory;
  ~subscriber() override = default;
  void dispose() noexcept override;

  fan_out_core& from_;
  hint<std::uint64_t> missed_;
};

namespace {

/// Copies of one value, and room for one more element behind them.
class copies {
 public:
  explicit copies(const fan_out_ops& ops) noexcept : ops_(ops) {}
  copies(const copies&) = delete;
  copies& operator=(const copies&) = delete;
  ~copies() { clear(); }

  void make(std::size_t count, const void* value) {
    if (count <= made_) return;
    clear();
    const std::size_t bytes = (count + 1) * ops_.element.size;
    if (bytes <= near_.size() && ops_.element.alignment <= alignof(std::max_align_t))
      room_ = near_.data();
    else
      room_ = far_ =
          static_cast<std::byte*>(channel_memory::allocate(bytes, ops_.element.alignment));
    for (; made_ < count; ++made_) ops_.copy(at(made_), value);
  }
  std::size_t count() const noexcept { return made_; }
  void* at(std::size_t i) const noexcept { return room_ + i * ops_.element.size; }
  void* spare() const noexcept { return at(made_); }

 private:
  void clear() noexcept {
    while (made_ > 0) ops_.element.destroy(at(--made_));
    if (far_) channel_memory::give_back(std::exchange(far_, nullptr), ops_.element.alignment);
  }

  const fan_out_ops& ops_;
  std::byte* room_ = nullptr;
  std::byte* far_ = nullptr;
  std::size_t made_ = 0;
  alignas(std::max_align_t) std::array<std::byte, 512> near_;
};

}  // namespace

class fan_out_core {
 public:
  fan_out_core(const fan_out_ops& ops, std::size_t capacity)
      : ops_(ops), capacity_(capacity), gate_(channel_make(1, ops_of<unit>)) {}
  fan_out_core(const fan_out_core&) = delete;
  fan_out_core& operator=(const fan_out_core&) = delete;

  // Order: none. Whoever copies a handle has one.
  void retain() noexcept { refs_.fetch_add(1, relaxed); }
  void release() noexcept {
    // Order: refs. release: what every former owner did happens before the destruction.
    if (refs_.fetch_sub(1, weft::detail::release) != 1) return;
    // Order: refs. Only the last needs to know.
    static_cast<void>(refs_.load(acquire));
    delete this;
  }

  std::size_t capacity() const noexcept { return capacity_; }
  std::size_t subscribers() const noexcept { return count_.read(); }

  std::shared_ptr<const void> latest() noexcept {
    std::lock_guard guard(lock_);
    hear_at(&latest_);
    return latest_;
  }

  bool send(const void* value, std::shared_ptr<const void> latest) {
    copies made(ops_);
    for (;;) {
      made.make(count_.read(), value);
      turn mine(*this);
      if (closed_) return false;
      if (count_.read() > made.count()) continue;  // somebody subscribed meanwhile
      std::size_t i = 0;
      for (subscriber* s = begin_delivery(latest); s; s = s->next)
        s->deliver(made.at(i++), made.spare(), mine.woken);
      return true;
    }
  }

  bool close() noexcept {
    turn mine(*this);
    if (std::exchange(closed_, true)) return false;
    std::shared_ptr<const void> unchanged;
    for (subscriber* s = begin_delivery(unchanged); s; s = s->next) s->end(mine.woken);
    return true;
  }

  channel_core* subscribe() {
    for (;;) {
      copies first(ops_);
      const std::shared_ptr<const void> newest = latest();
      if (newest) first.make(1, newest.get());
      subscriber* fresh = channel_memory::make<subscriber>(ops_.element, capacity_, *this);
      wake_list none_waits;
      if (newest) fresh->deliver(first.at(0), first.spare(), none_waits);
      if (enlist(*fresh, newest.get())) return fresh;
      fresh->release();
    }
  }

  /// Returns: whether it may end its life now; else the delivery under way ends it.
  bool forget(subscriber& s) noexcept {
    std::lock_guard guard(lock_);
    if (!s.listed) return true;
    if (delivering_) {
      s.next_dead = std::exchange(dead_, &s);
      return false;
    }
    unlist_locked(s);
    return true;
  }

 private:
  /// Holds the gate, a channel with room for one. What its delivery asks for is done when it has
  /// let go: whoever received is woken, whoever was dropped meanwhile ends.
  class turn {
   public:
    explicit turn(fan_out_core& f) : f_(f) { channel_send(f_.gate_, &token_); }
    turn(const turn&) = delete;
    turn& operator=(const turn&) = delete;
    ~turn() {
      subscriber* dead = f_.end_delivery();
      channel_recv(f_.gate_, &token_);
      ready(woken);
      while (dead) std::exchange(dead, dead->next_dead)->destroy();
    }
    wake_list woken;

   private:
    fan_out_core& f_;
    unit token_;
  };

  /// From now to the end of the turn the list of subscribers stays as it is.
  subscriber* begin_delivery(std::shared_ptr<const void>& latest) noexcept {
    std::lock_guard guard(lock_);
    delivering_ = true;
    if (latest) latest_.swap(latest);  // the old one ends with the caller's
    tell_at(&latest_);
    return live_.front();
  }
  subscriber* end_delivery() noexcept {
    std::lock_guard guard(lock_);
    delivering_ = false;
    for (subscriber* s = dead_; s; s = s->next_dead) unlist_locked(*s);
    return std::exchange(dead_, nullptr);
  }

  ~fan_out_core() { channel_release(gate_); }

  /// False: `newest` is not the newest any more.
  bool enlist(subscriber& s, const void* newest) noexcept {
    const turn mine(*this);
    if (latest_.get() != newest) return false;
    if (closed_) {
      wake_list none_waits;
      s.end(none_waits);
      return true;
    }
    std::lock_guard guard(lock_);
    s.listed = true;
    live_.push_back(&s);
    count_.write(count_.read() + 1);
    return true;
  }

  void unlist_locked(subscriber& s) noexcept {
    live_.remove(&s);
    s.listed = false;
    count_.write(count_.read() - 1);
  }

  const fan_out_ops& ops_;
  const std::size_t capacity_;
  channel_core* const gate_;
  spin_lock lock_;
  intrusive_deque<subscriber, &subscriber::next, &subscriber::previous> live_;
  hint<std::size_t> count_;
  subscriber* dead_ = nullptr;
  bool delivering_ = false;
  bool closed_ = false;  // with the gate held
  std::shared_ptr<const void> latest_;
  atomic<std::uint32_t> refs_{1};
};

subscriber::subscriber(const element_ops& ops, std::size_t capacity, std::byte* buffer,
                       fan_out_core& from) noexcept
    : channel_core(ops, capacity, buffer), from_(from) {
  from_.retain();
}

void subscriber::dispose() noexcept {
  tell_at(this);  // the sender whose delivery is under way may destroy it
  if (from_.forget(*this)) destroy();
}

void subscriber::destroy() noexcept {
  hear_at(this);
  fan_out_core& from = from_;
  channel_memory::destroy(this, ops());
  from.release();
}

fan_out_core* fan_out_make(const fan_out_ops& ops, std::size_t capacity) {
  return new fan_out_core(ops, capacity);
}
void fan_out_retain(fan_out_core* f) noexcept { f->retain(); }
void fan_out_release(fan_out_core* f) noexcept { f->release(); }
bool fan_out_send(fan_out_core* f, const void* value, std::shared_ptr<const void> latest) {
  return f->send(value, std::move(latest));
}
void fan_out_close(fan_out_core* f) {
  if (!f) throw closed_channel("close of nil channel");
  if (!f->close()) throw closed_channel("close of closed channel");
}
std::shared_ptr<const void> fan_out_latest(fan_out_core* f) noexcept { return f->latest(); }
channel_core* fan_out_subscribe(fan_out_core* f) { return f->subscribe(); }
std::size_t fan_out_subscribers(fan_out_core* f) noexcept { return f->subscribers(); }
std::size_t fan_out_capacity(fan_out_core* f) noexcept { return f->capacity(); }
std::uint64_t subscriber_missed(channel_core* c) noexcept {
  return static_cast<subscriber*>(c)->missed();
}

}  // namespace weft::detail
