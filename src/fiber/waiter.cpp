// Go's words for the reasons to wait.
#include "fiber/waiter.hpp"

namespace weft::detail {

const char* words(wait_reason reason) noexcept {
  switch (reason) {
    case wait_reason::none:
      return "";
    case wait_reason::chan_receive:
      return "chan receive";
    case wait_reason::chan_send:
      return "chan send";
    case wait_reason::chan_receive_nil:
      return "chan receive (nil chan)";
    case wait_reason::chan_send_nil:
      return "chan send (nil chan)";
    case wait_reason::select:
      return "select";
    case wait_reason::select_no_cases:
      return "select (no cases)";
    case wait_reason::sleep:
      return "sleep";
    case wait_reason::wait_group:
      return "sync.WaitGroup.Wait";
  }
  return "";
}

}  // namespace weft::detail
