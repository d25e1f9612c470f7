#include <weft/weft.hpp>

void widen(const weft::recv_chan<int>& narrow, const weft::chan<int>& both) {
#ifdef WEFT_MISUSE
  const weft::chan<int> wide = narrow;
#else
  const weft::recv_chan<int> wide = both;
#endif
  static_cast<void>(wide == narrow && narrow == both);
}
