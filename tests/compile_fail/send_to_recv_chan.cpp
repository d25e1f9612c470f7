#include <weft/weft.hpp>

void send(const weft::chan<int>& both) {
#ifdef WEFT_MISUSE
  const weft::recv_chan<int> end = both;
#else
  const weft::send_chan<int> end = both;
#endif
  end.send(1);
}
