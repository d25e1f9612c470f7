// Go's form of a fatal error, with C++'s ending (abort leaves a core where one is wanted).
#include "base/fatal.hpp"

#include <cstdio>
#include <cstdlib>

namespace weft::detail {

void fatal(std::string_view words) noexcept {
  std::fflush(stdout);
  std::fprintf(stderr, "fatal error: %.*s\n", static_cast<int>(words.size()), words.data());
  std::abort();
}

}  // namespace weft::detail
