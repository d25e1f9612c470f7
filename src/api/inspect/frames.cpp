// The frames of goroutines and of the caller, as text.
#include "api/inspect/frames.hpp"

#include <cstdio>

namespace weft::detail {

std::string frames_of(const goroutine_view&) { return {}; }
std::string frames_here() { return {}; }
std::string frame_of_address(const void* address) {
  char text[40];
  std::snprintf(text, sizeof text, "\t%p\n", address);
  return text;
}

}  // namespace weft::detail
