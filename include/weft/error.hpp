#pragma once

#include <stdexcept>

namespace weft {

/// Thrown by an operation that Go answers with a panic because a channel is closed or nil.
/// `what()` is Go's own text: "send on closed channel", "close of closed channel" or
/// "close of nil channel".
class closed_channel : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

}  // namespace weft
