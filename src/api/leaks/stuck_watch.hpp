// WEFT_STUCK=1: goroutines that can never be woken are looked for now and then.
#pragma once

namespace weft::detail {

/// Starts the thread that looks, if the environment asks for it.
void watch_for_stuck_goroutines() noexcept;

}  // namespace weft::detail
