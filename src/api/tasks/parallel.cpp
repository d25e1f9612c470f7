// A parallel loop: participants claim chunks of the range from one counter.
//
// The caller takes part. While indices are left, one more helper is kept waiting in the queue of
// runnable goroutines: whoever has nothing to do takes it, and so does a processor whose
// participant blocks in a body. A helper that comes too late finds the loop closed.
//
// Chunks grow until they take about chunk_ns, and are never more than a fair part of what is left.
// Halving a range and waiting to be robbed ends as evenly, but needs a queue for each participant;
// one counter is enough where it is touched 20,000 times a second.
// Locks: `lock_`, a leaf. Invariants: R1 closed => nobody enters. R2 the body is touched by the
//        caller and by those who have entered only; the caller leaves last.
// Orders: loop-free: the last touch of a holder to the one who frees.
// Tested by: tests/unit/api/parallel_test.cpp, tests/conformance/tasks,
//            tests/stress/library/task_test.cpp
#include <weft/detail/tasks/parallel_core.hpp>

#include <algorithm>
#include <exception>
#include <mutex>
#include <new>
#include <vector>

#include <weft/tasks/task.hpp>

#include "base/intrusive_list.hpp"
#include "port/clock.hpp"
#include "port/sync/spin_lock.hpp"
#include "sched/runtime.hpp"
#include "sched/scheduler.hpp"
#include "wait/cancel_state.hpp"

namespace weft::detail {
namespace {

constexpr deadline_ns chunk_ns = 50'000;
constexpr deadline_ns invite_after_ns = 10'000;  // a wake-up costs its caller about 2 us
constexpr deadline_ns turn_ns = 100'000;         // then others may run
constexpr std::size_t blocked_max = 256;         // participants beyond max_procs, when some block

/// One who runs chunks. It lives on its stack.
struct participant {
  participant* next = nullptr;
  participant* previous = nullptr;
  waiter* who = &this_waiter();
  parallel_part* parts = nullptr;
  // The helper that it started last, while nobody is known to have taken it.
  goroutine* helper = nullptr;
  std::uint64_t helper_id = 0;
};

class shared_loop {
 public:
  shared_loop(const parallel_loop& loop, const cancel_state* cancel, creation_site site) noexcept
      : loop_(loop),
        cancel_(cancel),
        site_(site),
        processors_(static_cast<std::size_t>(runtime::get().max_procs())),
        grain_(loop.grain > 0 ? static_cast<std::size_t>(loop.grain) : 1) {}

  /// The caller's side: everything. Returns: whether every index was handed out.
  bool run_all();
  static void run_helper(void* storage);
  void drop() noexcept {
    // Order: loop-free.
    if (holders_.fetch_sub(1, acq_rel) == 1) delete this;
  }

 private:
  bool claim(std::size_t wish, std::size_t& first, std::size_t& last) noexcept;
  bool anything_left() const noexcept {
    // Order: none. A guess: claim() decides.
    return next_.load(relaxed) < loop_.count;
  }
  std::size_t next_wish(std::size_t wish, deadline_ns took) const noexcept;
  void stop() noexcept;
  void fail(std::exception_ptr e) noexcept;
  void run_chunk(participant& self, std::size_t first, std::size_t last) noexcept;
  void take_part(participant& self) noexcept;
  void offer_help(participant& self) noexcept;
  void take_help_back(participant& self) noexcept;
  bool is_full_locked() const noexcept;
  bool enter(participant& self) noexcept;
  void leave(participant& self) noexcept;
  void leave_last(participant& self) noexcept;
  void remove_locked(participant& self) noexcept;
  static void unlock(void* self) { static_cast<shared_loop*>(self)->lock_.unlock(); }

  const parallel_loop loop_;
  const cancel_state* const cancel_;
  const creation_site site_;
  const std::size_t processors_;
  const std::size_t grain_;
  // On a cache line of its own. Not by alignas: aligned memory costs 60 ns more to allocate.
  [[maybe_unused]] std::byte apart_before_[64];
  atomic<std::size_t> next_{0};
  [[maybe_unused]] std::byte apart_after_[64];
  atomic<std::size_t> holders_{1};
  atomic<bool> helper_waits_{false};
  hint<bool> stopped_;  // before all indices were handed out
  spin_lock lock_;
  bool closed_ = false;
  intrusive_deque<participant, &participant::next, &participant::previous> participants_;
  std::size_t participant_count_ = 0;
  waiter* caller_ = nullptr;
  std::exception_ptr error_;
  parallel_part* parts_ = nullptr;
};

bool shared_loop::claim(std::size_t wish, std::size_t& first, std::size_t& last) noexcept {
  // Order: none. The counter hands out numbers; what the bodies do is ordered by the lock.
  std::size_t seen = next_.load(relaxed);
  for (;;) {
    if (seen >= loop_.count) return false;
    const std::size_t left = loop_.count - seen;
    // Alone there is nobody to leave a part to; and less than a microsecond's work is no part.
    const std::size_t fair = processors_ == 1 ? left : left / (2 * processors_);
    const std::size_t size = std::min(std::max({std::min(wish, fair), wish / 32, grain_}), left);
    // Order: none. As above.
    if (next_.compare_exchange_weak(seen, seen + size, relaxed)) {
      first = seen;
      last = seen + size;
      return true;
    }
  }
}

/// As many as would have taken chunk_ns, but not very different from before: bodies differ.
std::size_t shared_loop::next_wish(std::size_t wish, deadline_ns took) const noexcept {
  constexpr deadline_ns growth_max = 16;
  if (took > 2 * chunk_ns) return std::max(wish / 2, grain_);
  const auto growth =
      static_cast<std::size_t>(std::min(chunk_ns / std::max<deadline_ns>(took, 1), growth_max));
  if (growth <= 1 || wish > loop_.count / growth) return wish;
  return wish * growth;
}

/// Nothing more is handed out.
void shared_loop::stop() noexcept {
  // Order: none. As in claim().
  if (next_.exchange(loop_.count, relaxed) < loop_.count) stopped_.write(true);
}

void shared_loop::fail(std::exception_ptr e) noexcept {
  stop();
  std::lock_guard guard(lock_);
  if (!error_) error_.swap(e);
}

void shared_loop::run_chunk(participant& self, std::size_t first, std::size_t last) noexcept {
  try {
    loop_.run(loop_.body, first, last, self.parts);
  } catch (const exit_request&) {
    fail(std::make_exception_ptr(task_exited("weft: a parallel body ended by exit_goroutine")));
  } catch (...) {
    fail(std::current_exception());
  }
}

void shared_loop::take_part(participant& self) noexcept {
  std::size_t wish = grain_;
  std::size_t first = 0;
  std::size_t last = 0;
  const deadline_ns begin = now_ns();
  deadline_ns before = begin;
  deadline_ns turn_began = begin;
  bool invited = processors_ == 1;
  while (claim(wish, first, last)) {
    offer_help(self);
    run_chunk(self, first, last);
    if (cancel_ && cancel_->cancelled()) stop();
    const deadline_ns now = now_ns();
    if (last - first == wish) wish = next_wish(wish, now - before);
    before = now;
    if (!invited && now - begin > invite_after_ns && anything_left()) {
      invited = true;
      invite();
      before = now_ns();
    }
    if (now - turn_began > turn_ns && self.who->is == waiter::kind::goroutine) {
      yield_turn();
      before = turn_began = now_ns();
    }
  }
  take_help_back(self);
}

/// Never fails: without help the loop takes longer.
void shared_loop::offer_help(participant& self) noexcept {
  // Order: none. At worst two helpers wait, or none until the next chunk.
  if (helper_waits_.load(relaxed) || !anything_left()) return;
  if (helper_waits_.exchange(true, relaxed)) return;
  try {
    goroutine_draft draft({.site = site_}, sizeof(shared_loop*), alignof(shared_loop*));
    ::new (draft.storage()) shared_loop*(this);
    self.helper = &draft.block();
    self.helper_id = self.helper->id;
    // Order: none. Whoever adds a holder is one.
    holders_.fetch_add(1, relaxed);
    draft.start(run_helper);
  } catch (...) {
    self.helper = nullptr;  // helper_waits_ stays: do not ask again for what is not to be had
  }
}

void shared_loop::take_help_back(participant& self) noexcept {
  // Order: none. The caller is a holder: it is not the last one.
  if (self.helper && take_back(*self.helper, self.helper_id)) holders_.fetch_sub(1, relaxed);
}

void shared_loop::run_helper(void* storage) {
  // Safety: offer_help() put it there.
  shared_loop& loop = **std::launder(static_cast<shared_loop**>(storage));
  // Order: none. As in offer_help().
  loop.helper_waits_.store(false, relaxed);
  participant self;
  if (loop.enter(self)) {
    loop.take_part(self);
    loop.leave(self);
  }
  loop.drop();
}

/// As many take part as there are processors, and one more for each that is blocked in its body.
bool shared_loop::is_full_locked() const noexcept {
  if (participant_count_ < processors_) return false;
  if (participant_count_ >= processors_ + blocked_max) return true;
  std::size_t running = 0;
  for (const participant* p = participants_.front(); p; p = p->next)
    if (p->who->reason.read() == wait_reason::none) ++running;
  return running >= processors_;
}

bool shared_loop::enter(participant& self) noexcept {
  std::lock_guard guard(lock_);
  if (closed_ || !anything_left() || is_full_locked()) return false;
  participants_.push_back(&self);
  ++participant_count_;
  return true;
}

void shared_loop::remove_locked(participant& self) noexcept {
  participants_.remove(&self);
  --participant_count_;
  while (parallel_part* part = self.parts) {
    self.parts = part->next;
    part->next = parts_;
    parts_ = part;
  }
}

void shared_loop::leave(participant& self) noexcept {
  tell_at(&participants_);
  waiter* woken = nullptr;
  {
    std::lock_guard guard(lock_);
    remove_locked(self);
    if (participant_count_ == 0) woken = std::exchange(caller_, nullptr);
  }
  if (woken) ready(*woken);
}

/// The caller waits for those who run, not for the helper that has not begun.
void shared_loop::leave_last(participant& self) noexcept {
  lock_.lock();
  closed_ = true;
  remove_locked(self);
  if (participant_count_ == 0) {
    hear_at(&participants_);
    return lock_.unlock();
  }
  caller_ = self.who;
  park({wait_reason::parallel, this}, {unlock, this});
  hear_at(&participants_);
}

bool shared_loop::run_all() {
  participant self;
  if (!enter(self)) return true;
  take_part(self);
  leave_last(self);
  if (loop_.parts) *loop_.parts = std::exchange(parts_, nullptr);
  if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
  return !stopped_.read();
}

void call_function(const parallel_call& call) { call.run(call.function); }

/// The caller's own share of parallel_call_all: it ends as a task does.
std::exception_ptr run_in_place(const parallel_call& call) noexcept {
  try {
    call_function(call);
    return nullptr;
  } catch (const exit_request&) {
    return std::make_exception_ptr(task_exited("weft: a parallel body ended by exit_goroutine"));
  } catch (...) {
    return std::current_exception();
  }
}

/// Joined, whatever happens: the functions are the caller's.
class joined_tasks {
 public:
  explicit joined_tasks(std::size_t count) { tasks_.reserve(count); }
  joined_tasks(const joined_tasks&) = delete;
  joined_tasks& operator=(const joined_tasks&) = delete;
  ~joined_tasks() {
    for (const task<void>& each : tasks_) each.join();
  }
  void start(const parallel_call& call, const spawn_request& request) {
    tasks_.push_back(task_maker::make(request, [&call] { call_function(call); }));
  }
  /// Newest first: what nobody has begun is taken back. Returns: the last error, that is the first
  /// in order.
  std::exception_ptr collect() {
    std::exception_ptr first;
    for (auto each = tasks_.rbegin(); each != tasks_.rend(); ++each) {
      try {
        each->get();
      } catch (...) {
        if (!first) first = std::current_exception();
      }
    }
    return first;
  }

 private:
  std::vector<task<void>> tasks_;
};

}  // namespace

bool parallel_run(const parallel_loop& loop, const cancel_state* cancel) {
  if (cancel && cancel->cancelled()) return false;
  if (loop.count == 0) return true;
  ensure_running();
  rejoin();
  const creation_site site{.where = {}, .address = __builtin_return_address(0)};
  struct dropped {
    shared_loop* loop;
    ~dropped() { loop->drop(); }
  } const shared{new shared_loop(loop, cancel, site)};
  return shared.loop->run_all();
}

void parallel_call_all(const parallel_call* calls, std::size_t count) {
  const spawn_request request{.site = {.where = {}, .address = __builtin_return_address(0)}};
  joined_tasks others(count - 1);
  for (std::size_t i = count - 1; i > 0; --i) others.start(calls[i], request);
  const std::exception_ptr own = run_in_place(calls[0]);
  const std::exception_ptr other = others.collect();
  if (own) std::rethrow_exception(own);
  if (other) std::rethrow_exception(other);
}

}  // namespace weft::detail
