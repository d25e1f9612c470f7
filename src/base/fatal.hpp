// The end of a program that broke a rule nobody can catch: words on stderr, then abort.
#pragma once

#include <string_view>

namespace weft::detail {

/// Prints "fatal error: <words>" and aborts.
[[noreturn]] void fatal(std::string_view words) noexcept;

}  // namespace weft::detail
