// What a parked waiter waits on, in words.
#pragma once

#include <string>

#include "api/inspect/report.hpp"

namespace weft::detail {

/// "channel 0x55d0 with capacity 4, 4 inside"; "": there is nothing to say. What is behind the
/// address is only read if `how` allows it.
std::string words_for_object(wait_reason reason, const void* object, objects how,
                             const everybody* all);

}  // namespace weft::detail
