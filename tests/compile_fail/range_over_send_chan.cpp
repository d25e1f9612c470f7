#include <weft/weft.hpp>

int sum(const weft::chan<int>& both) {
#ifdef WEFT_MISUSE
  const weft::send_chan<int> end = both;
#else
  const weft::recv_chan<int> end = both;
#endif
  int total = 0;
  for (const int v : end) total += v;
  return total;
}
