// The end of a program that broke a lock's rules.
#pragma once

#include <string_view>

namespace weft::detail {

/// "fatal error: <words>", then which goroutine it was, then abort.
[[noreturn]] void die_of_misuse(std::string_view words) noexcept;

/// The same for the destruction of something in use, except while the program ends: whoever used
/// it will never run again.
void die_unless_exiting(std::string_view words) noexcept;

/// Whether exit() is destroying static objects, while frozen workers still stand in their queues.
[[nodiscard]] bool program_ends() noexcept;

}  // namespace weft::detail
