#pragma once

#include <system_error>
#include <type_traits>

namespace weft {

/// What ends an operation on a descriptor though the system reports no fault.
///
/// Everything else that fails has the system's own number: `ec == std::errc::connection_reset`.
///
/// Example:
/// ```
/// std::size_t n = stream.read_some(buffer, ec);
/// if (ec == weft::io_errc::end_of_file) return;  // the other side has closed
/// if (ec == weft::io_errc::timeout) retry();     // also equal to std::errc::timed_out
/// ```
enum class io_errc {
  timeout = 1,  ///< "i/o timeout": a deadline has passed
  closed,       ///< "use of closed network connection": by us, before or during the call
  end_of_file,  ///< "EOF": the other side sends no more
};

const std::error_category& io_category() noexcept;
inline std::error_code make_error_code(io_errc e) noexcept {
  return {static_cast<int>(e), io_category()};
}

}  // namespace weft

template <>
struct std::is_error_code_enum<weft::io_errc> : std::true_type {};
