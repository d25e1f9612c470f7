// File operations that take long: the caller waits, its worker does not.
// Tested by: tests/conformance/io/file_test.cpp
#pragma once

#include "port/file/file_calls.hpp"

namespace weft::detail {

/// Returns: what run_file_operation() does.
long perform_file_operation(const file_operation& operation) noexcept;

}  // namespace weft::detail
