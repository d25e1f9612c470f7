// Waiting for descriptors that are not weft's own.
#include <weft/io/wait.hpp>

#include "wait/io_wait.hpp"

namespace weft::detail {

bool wait_for_io(int fd, io_direction way, const wait_bound& bound) {
  const io_side side = way == io_direction::read ? io_side::read : io_side::write;
  return wait_for_foreign(fd, side, bound) == io_outcome::ready;
}

}  // namespace weft::detail
