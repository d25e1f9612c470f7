// std::stop_source in a library for users of ThreadSanitizer, where the standard's templates are
// not instrumented: what request_stop promises is told by hand.
#pragma once

#include <cstddef>
#include <cstring>
#include <stop_token>

#include "port/switch/told.hpp"

namespace weft::detail {

inline void request_told_stop(std::stop_source& source) noexcept {
#if defined(WEFT_TSAN_USER) && defined(__GLIBCXX__)
  // Safety: in libstdc++ a source is a pointer to its state; that begins with a count of owners and
  // the word that every operation goes through. Only their addresses are used.
  const std::byte* state = nullptr;
  static_assert(sizeof source == sizeof state);
  std::memcpy(&state, &source, sizeof state);
  hear_at(state + sizeof(unsigned));
  tell_at(state + sizeof(unsigned));
#endif
  source.request_stop();
}

/// Whoever drops the last reference frees the state.
inline void delete_told(std::stop_source* source) noexcept {
  [[maybe_unused]] const unseen_scope unseen;
  delete source;
}

}  // namespace weft::detail
