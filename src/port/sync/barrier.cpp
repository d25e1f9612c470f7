// The heavy half of the asymmetric fence: membarrier(2), private expedited.
#include "port/sync/barrier.hpp"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace weft::detail {

constinit hint<bool> light_barrier_is_free{false};

void prepare_barriers() noexcept {
  light_barrier_is_free.write(
      ::syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0);
}

// Order: asymmetric. This thread's own fences around everybody else's; pairs with light_barrier().
void heavy_barrier() noexcept {
  full_fence();
  if (light_barrier_is_free.read())
    ::syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
  full_fence();  // Order: asymmetric.
}

}  // namespace weft::detail
