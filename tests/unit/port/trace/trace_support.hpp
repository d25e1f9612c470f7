// What the trace tests share: a stack that stands still, and the C++ runtime's unwinder as oracle.
#pragma once

#include <unwind.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "port/switch/context.hpp"
#include "port/switch/sanitizer.hpp"
#include "port/thread.hpp"
#include "port/trace/safe_copy.hpp"
#include "port/trace/stack_trace.hpp"
#include "port/trace/unwind_table.hpp"

#include "opaque.hpp"

#define TRACE_FRAME WEFT_OPAQUE

namespace trace_test {

using weft::detail::saved_registers;
using weft::detail::stack_copy;

/// What throwing would pass through, by libgcc: addresses within the instructions, innermost first.
[[gnu::noinline]] inline std::vector<std::uintptr_t> oracle_trace() {
  std::vector<std::uintptr_t> pcs;
  _Unwind_Backtrace(
      [](_Unwind_Context* context, void* raw) {
        int exact = 0;
        const std::uintptr_t pc = _Unwind_GetIPInfo(context, &exact);
        if (pc != 0) static_cast<std::vector<std::uintptr_t>*>(raw)->push_back(pc - !exact);
        return _URC_NO_REASON;
      },
      &pcs);
  pcs.erase(pcs.begin());  // this function
  return pcs;
}

inline std::vector<std::uintptr_t> functions_of(const std::vector<std::uintptr_t>& pcs) {
  std::vector<std::uintptr_t> starts;
  for (const std::uintptr_t pc : pcs) starts.push_back(weft::detail::unwind_function_start(pc));
  return starts;
}

template <class Function>
std::uintptr_t start_of(Function* function) {
  return reinterpret_cast<std::uintptr_t>(function);
}

/// Runs body(this) on a stack of its own, until it calls stop().
class standing_stack {
 public:
  static constexpr std::size_t bytes = std::size_t{256} << 10;

  explicit standing_stack(void (*body)(standing_stack&))
      : body_(body), memory_(new std::byte[bytes]) {
    own_.set_bounds(memory_.get(), bytes);
    own_.take_fiber();
    const weft::detail::stack_bounds bounds = weft::detail::thread_stack_bounds();
    caller_.set_bounds(bounds.low, bounds.bytes);
    caller_.use_thread_fiber();
    begin();
  }
  standing_stack(const standing_stack&) = delete;
  standing_stack& operator=(const standing_stack&) = delete;
  ~standing_stack() { own_.give_fiber_back(); }

  /// On the stack: the trace of here is kept for comparison, and control goes to the constructor.
  TRACE_FRAME void stop() {
    expected_ = oracle_trace();
    own_.before_switch_to(caller_, false);
    weft::detail::switch_context(&own_sp_, caller_sp_, nullptr);
    std::abort();  // nobody resumes it
  }

  std::uintptr_t stack_pointer() const { return reinterpret_cast<std::uintptr_t>(own_sp_); }
  saved_registers registers() const {
    weft::detail::switch_frame frame;
    std::memcpy(&frame, own_sp_, sizeof frame);
    return weft::detail::where_suspended(stack_pointer(), frame);
  }
  std::vector<std::byte> copy() const {
    std::vector<std::byte> bytes_of_it(
        static_cast<std::size_t>(memory_.get() + bytes - static_cast<std::byte*>(own_sp_)));
    // By the kernel: AddressSanitizer forbids to read around variables.
    if (!weft::detail::copy_memory(bytes_of_it.data(), own_sp_, bytes_of_it.size())) std::abort();
    return bytes_of_it;
  }
  /// From stop() on.
  const std::vector<std::uintptr_t>& expected() const { return expected_; }

  std::vector<std::uintptr_t> unwind(const std::vector<std::byte>& memory,
                                     std::size_t frames_max = 200) const {
    std::vector<std::uintptr_t> pcs(frames_max);
    pcs.resize(weft::detail::unwind_trace(registers(),
                                          {memory.data(), stack_pointer(), memory.size()}, pcs));
    return pcs;
  }

 private:
  WEFT_NEVER_RETURNS_ON_ITS_STACK void begin() {
    caller_.before_switch_to(own_, false);
    weft::detail::start_context(&caller_sp_, top(), enter, this);
    caller_.after_switch();
  }
  WEFT_NEVER_RETURNS_ON_ITS_STACK static void enter(void* raw) {
    auto* self = static_cast<standing_stack*>(raw);
    self->own_.after_switch();
    self->body_(*self);
    std::abort();
  }
  void* top() const {
    const auto end = reinterpret_cast<std::uintptr_t>(memory_.get() + bytes);
    return memory_.get() + bytes - end % 16;
  }

  void (*body_)(standing_stack&);
  std::unique_ptr<std::byte[]> memory_;
  weft::detail::shadow own_;
  weft::detail::shadow caller_;
  void* own_sp_ = nullptr;
  void* caller_sp_ = nullptr;
  std::vector<std::uintptr_t> expected_;
};

}  // namespace trace_test
