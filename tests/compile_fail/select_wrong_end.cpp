#include <weft/weft.hpp>

void wait(const weft::chan<int>& both) {
#ifdef WEFT_MISUSE
  const weft::send_chan<int> end = both;
#else
  const weft::recv_chan<int> end = both;
#endif
  weft::select(weft::on_recv(end));
}
