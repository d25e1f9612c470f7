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
    case wait_reason::mutex_lock:
      return "sync.Mutex.Lock";
    case wait_reason::shared_mutex_lock:
      return "sync.RWMutex.Lock";
    case wait_reason::shared_mutex_lock_shared:
      return "sync.RWMutex.RLock";
    case wait_reason::condition:
      return "sync.Cond.Wait";
    case wait_reason::once:
      return "sync.Once.Do";
    case wait_reason::semaphore:
      return "semacquire";
    case wait_reason::latch:
      return "latch";
    case wait_reason::barrier:
      return "barrier";
    case wait_reason::event:
      return "event";
    case wait_reason::single_flight:
      return "singleflight";
    case wait_reason::task_join:
      return "task join";
    case wait_reason::task_group:
      return "task group wait";
    case wait_reason::parallel:
      return "parallel wait";
    case wait_reason::io_read:
      return "IO wait";
    case wait_reason::io_write:
      return "IO wait";
  }
  return "";
}

}  // namespace weft::detail
