// The compiled half of `go`: a control block, a closure, a start.
#include <weft/go.hpp>

#include <new>
#include <stdexcept>

#include "fiber/goroutine.hpp"
#include "sched/runtime.hpp"

namespace weft::detail {
namespace {

stack_class checked_class(std::size_t bytes) {
  if (bytes == 0) return default_stack_class;
  if (bytes < stack_bytes_min || bytes > stack_bytes_max)
    throw std::invalid_argument("weft::go: a stack has 16 KiB to 1 GiB");
  return stack_class_for(bytes);
}

}  // namespace

goroutine_draft::goroutine_draft(const spawn_request& request, std::size_t bytes,
                                 std::size_t alignment) {
  worker* const w = this_worker();
  const bool is_plain = request.stack_bytes == 0 && request.name.empty();
  goroutine* g = nullptr;
  if (w && is_plain && fits_inside(bytes, alignment)) [[likely]]
    g = runtime::take_goroutine_at_once(*w);
  if (!g) [[unlikely]] {
    set_up(request, bytes, alignment);
    return;
  }
  g->woken.begin();
  g->size = default_stack_class;
  g->site = request.site;
  g->closure_is_outside = false;
  goroutine_ = g;
  storage_ = g->closure;
}

[[gnu::noinline]] void goroutine_draft::set_up(const spawn_request& request, std::size_t bytes,
                                               std::size_t alignment) {
  runtime::get().ensure_running();
  const stack_class size = checked_class(request.stack_bytes);
  goroutine_ = runtime::get().take_goroutine();
  goroutine_->woken.begin();
  goroutine_->size = size;
  goroutine_->site = request.site;
  try {
    set_name(*goroutine_, request.name);
    storage_ = make_room_for_closure(*goroutine_, bytes, alignment);
  } catch (...) {
    goroutine_->closure_is_outside = false;
    runtime::get().recycle(*goroutine_);
    throw;
  }
}

void goroutine_draft::give_up() noexcept {
  free_closure_room(*goroutine_);
  runtime::get().recycle(*goroutine_);
}

void goroutine_draft::start(void (*run)(void*)) noexcept {
  goroutine& g = *std::exchange(goroutine_, nullptr);
  g.run = run;
  runtime::made().start(g);
}

const void* here() noexcept { return __builtin_return_address(0); }

void throw_nil_function() { throw std::invalid_argument("go of nil func value"); }

}  // namespace weft::detail
