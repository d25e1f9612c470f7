// The signal that asks for a dump: WEFT_DUMP_SIGNAL.
#pragma once

namespace weft::detail {

/// Does nothing if the variable is not set; says so on stderr if it cannot be done.
void watch_dump_signal() noexcept;

}  // namespace weft::detail
