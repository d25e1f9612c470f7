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
  runtime& r = runtime::get();
  r.ensure_running();
  const stack_class size = checked_class(request.stack_bytes);
  goroutine_ = r.take_goroutine();
  goroutine_->woken.begin();
  goroutine_->size = size;
  goroutine_->site = request.site;
  if (request.name.empty() && fits_inside(bytes, alignment)) [[likely]] {
    goroutine_->closure_is_outside = false;
    storage_ = goroutine_->closure;
  } else {
    set_up(request, bytes, alignment);
  }
}

void goroutine_draft::set_up(const spawn_request& request, std::size_t bytes,
                             std::size_t alignment) {
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
  goroutine_->run = run;
  runtime::get().start(*std::exchange(goroutine_, nullptr));
}

const void* here() noexcept { return __builtin_return_address(0); }

void throw_nil_function() { throw std::invalid_argument("go of nil func value"); }

}  // namespace weft::detail
