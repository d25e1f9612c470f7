#include <weft/weft.hpp>

void start() {
  const auto f = [](int) {};
#ifdef WEFT_MISUSE
  weft::go(f, "text");
#else
  weft::go(f, 1);
#endif
}
