#include <weft/weft.hpp>

int receive(const weft::chan<int>& both) {
#ifdef WEFT_MISUSE
  const weft::send_chan<int> end = both;
#else
  const weft::recv_chan<int> end = both;
#endif
  return end.recv().value();
}
