// The end of a program one of whose goroutines let an exception escape.
#pragma once

#include "fiber/goroutine.hpp"

namespace weft::detail {

/// Call it inside a catch block. Prints Go's panic report, with `advice` as its last line, then
/// std::terminate().
[[noreturn]] void die_of_uncaught_exception(
    const goroutine& g,
    const char* advice = "An exception left the function given to weft::go. Catch it inside, or "
                         "send it to whoever waits for the result.") noexcept;

}  // namespace weft::detail
