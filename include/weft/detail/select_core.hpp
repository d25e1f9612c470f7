// A select without its element types.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <weft/detail/channel_core.hpp>

namespace weft::detail {

enum class direction : std::uint8_t { receive, send, cancel };

/// One channel operation offered to a select, or a cancellation. `element` is moved from (send) or
/// constructed (receive, when `received`) only if this case is the one that proceeds. Nothing is
/// initialised by itself: a select writes all of it for each of its cases, each time.
struct select_case {
  channel_core* channel;
  void* element;
  direction way;
  bool received;
  cancel_state* canceller;  // for direction::cancel; null: it never is
};

enum class choice : std::uint8_t { uniform, in_order };

/// What select_wait() returns when none of its cases proceeded.
inline constexpr std::size_t select_default = static_cast<std::size_t>(-1);
inline constexpr std::size_t select_timeout = static_cast<std::size_t>(-2);

struct select_request {
  std::span<select_case> cases;
  bool has_default = false;
  deadline_ns deadline = never_ns;
  choice order = choice::uniform;
};

/// Throws: closed_channel if a send case on a closed channel was chosen; std::length_error for more
/// than 65,536 cases; std::bad_alloc for many.
std::size_t select_wait(const select_request& request);

}  // namespace weft::detail
