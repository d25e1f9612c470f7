// The frames of goroutines and of the caller, as text.
#include "api/inspect/frames.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <vector>

#include "port/switch/context.hpp"
#include "port/trace/frames.hpp"
#include "port/trace/safe_copy.hpp"
#include "port/trace/stack_trace.hpp"

namespace weft::detail {
namespace {

constexpr std::size_t frames_max = 256;

std::string lines_of(std::span<const std::uintptr_t> pcs) {
  std::string text;
  string_sink sink(text);
  write_frames(sink, pcs);
  return text;
}

}  // namespace

std::string frames_of(const goroutine_view& view) {
  std::vector<std::byte> copy = copy_live_stack(view);
  switch_frame frame;
  if (copy.size() < sizeof frame) return {};
  std::memcpy(&frame, copy.data(), sizeof frame);
  const auto low = reinterpret_cast<std::uintptr_t>(static_cast<const void*>(view.stack_pointer));
  std::array<std::uintptr_t, frames_max> pcs;
  const std::size_t count = unwind_trace(where_suspended(low, frame),
                                         {copy.data(), low, copy.size()}, pcs);
  // What is left in freed memory would look as if somebody pointed to what it waits on.
  ::explicit_bzero(copy.data(), copy.size());
  return lines_of({pcs.data(), count});
}

std::string frames_of(const parked_thread_view& view) {
  constexpr std::size_t bytes_max = std::size_t{1} << 20;
  const std::uintptr_t low = view.registers.sp;
  if (low == 0 || low >= view.stack_top) return {};
  std::vector<std::byte> copy(std::min(view.stack_top - low, bytes_max));
  // Safety: the kernel copies.
  if (!copy_memory(copy.data(), reinterpret_cast<const void*>(low), copy.size())) return {};
  if (!parked_threads::is_as_seen(view)) return {};
  std::array<std::uintptr_t, frames_max> pcs;
  return lines_of(
      {pcs.data(), unwind_trace(view.registers, {copy.data(), low, copy.size()}, pcs)});
}

std::string frames_here() {
  std::array<std::uintptr_t, frames_max> pcs;
  return lines_of({pcs.data(), capture_trace(pcs)});
}

std::string frame_of_address(const void* address) {
  // The call lies before the address that it returns to.
  const std::array<std::uintptr_t, 1> pcs{reinterpret_cast<std::uintptr_t>(address) - 1};
  return lines_of(pcs);
}

}  // namespace weft::detail
