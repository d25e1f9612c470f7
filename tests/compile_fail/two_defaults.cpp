#include <weft/weft.hpp>

void wait(const weft::chan<int>& c) {
#ifdef WEFT_MISUSE
  weft::select(weft::on_recv(c), weft::on_default(), weft::on_default());
#else
  weft::select(weft::on_recv(c), weft::on_default());
#endif
}
