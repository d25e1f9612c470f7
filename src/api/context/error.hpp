// The causes that a context has when nobody gave one.
#pragma once

#include <exception>

#include <weft/error.hpp>

namespace weft::detail {

/// Throws: std::bad_alloc, at the first call.
const std::exception_ptr& usual_cause(context_errc why);

}  // namespace weft::detail
