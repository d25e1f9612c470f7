// after_func: who starts the function, and who takes it back.
//
// Orders: see after_call.hpp.
#include "api/context/after_call.hpp"

#include <mutex>
#include <utility>

#include "api/context/cancellable.hpp"
#include "fiber/goroutine.hpp"

namespace weft::detail {

after_call::~after_call() {
  // Order: none. The last reference is gone, and refs orders it.
  if (destroy_ && fate_.load(relaxed) == fate::open) destroy_function();
}

void after_call::retain() noexcept {
  // Order: none. Whoever retains has a reference.
  refs_.fetch_add(1, relaxed);
}

void after_call::release() noexcept {
  // Order: refs. release: what every former owner did happens before the destruction.
  if (refs_.fetch_sub(1, weft::detail::release) != 1) return;
  // Order: refs. Only the last needs to know.
  static_cast<void>(refs_.load(acquire));
  delete this;
}

bool after_call::try_retain() noexcept {
  // Order: none. The state's lock orders it with the destruction.
  std::uint32_t seen = refs_.load(relaxed);
  while (seen != 0)
    // Order: none. See above.
    if (refs_.compare_exchange_weak(seen, seen + 1, relaxed)) return true;
  return false;
}

bool after_call::win(fate f) noexcept {
  fate expected = fate::open;
  // Order: fate. acq_rel: the loser leaves the function alone.
  return fate_.compare_exchange_strong(expected, f, acq_rel, relaxed);
}

void after_call::destroy_function() noexcept {
  destroy_(draft_->storage());
  draft_.reset();
}

bool after_call::join_locked(cancellable_node* node) noexcept {
  home_ = node;
  if (!node || !node->state.enlist(*this)) {
    home_ = nullptr;
    return false;
  }
  if (node->has_timer()) {
    node->retain();
    kept_ = node;
  }
  return true;
}

context_node* after_call::leave_home() noexcept {
  std::lock_guard guard(lock_);
  if (cancellable_node* home = std::exchange(home_, nullptr)) home->state.delist(*this);
  return std::exchange(kept_, nullptr);
}

void after_call::attach(cancellable_node* node, void (*run)(void*),
                        void (*destroy)(void*) noexcept) noexcept {
  run_ = run;
  destroy_ = destroy;
  draft_->block().woken.tell();
  if (!node) return;  // never: the function ends with its last handle
  registered_ = true;
  retain();
  lock_.lock();
  const bool listed = join_locked(node);
  lock_.unlock();
  if (!listed) start_now();
}

void after_call::start_now() noexcept {
  if (!win(fate::started)) return;
  draft_->start(run_);
  release();
}

bool after_call::stop() noexcept {
  if (!win(fate::dropped)) return false;
  context_node* kept = leave_home();
  destroy_function();
  if (registered_) release();
  if (kept) context_node::drop(kept);
  return true;
}

void after_call::move_to(cancellable_node* above) noexcept {
  lock_.lock();
  const bool stopped = home_ == nullptr;
  const bool listed = !stopped && join_locked(above);
  lock_.unlock();
  if (!stopped && !listed) {
    if (above) {
      start_now();                    // it is cancelled already
    } else if (win(fate::dropped)) {  // nobody can cancel it any more
      destroy_function();
      release();
    }
  }
  release();
}

void after_call::on_cancel(cancel_run&) noexcept {
  lock_.lock();
  home_ = nullptr;
  lock_.unlock();
  if (win(fate::started)) draft_->start(run_);
}

void after_call::settle(bool on_clock) noexcept {
  context_node* kept = leave_home();
  // Order: fate. Only a call that is told is started here.
  if (fate_.load(acquire) == fate::started) release();
  release();
  if (kept) context_node::drop(kept, on_clock);
}

void after_call_retain(after_call* call) noexcept { call->retain(); }
void after_call_release(after_call* call) noexcept { call->release(); }
bool after_call_stop(after_call* call) noexcept { return call->stop(); }

after_call_draft::after_call_draft(creation_site site, std::size_t bytes, std::size_t alignment)
    : call_(new after_call(site, bytes, alignment)) {}
after_call_draft::~after_call_draft() {
  if (call_) call_->release();
}
void* after_call_draft::storage() const noexcept { return call_->storage(); }
after_call* after_call_draft::attach(context_node* node, void (*run)(void*),
                                     void (*destroy)(void*) noexcept) noexcept {
  call_->attach(node->cancels(), run, destroy);
  return std::exchange(call_, nullptr);
}

}  // namespace weft::detail
