// The end of a program one of whose goroutines let an exception escape.
#pragma once

#include "fiber/goroutine.hpp"

namespace weft::detail {

/// Call it inside a catch block. Prints Go's panic report, then std::terminate().
[[noreturn]] void die_of_uncaught_exception(const goroutine& g) noexcept;

}  // namespace weft::detail
