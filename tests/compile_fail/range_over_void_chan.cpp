#include <weft/weft.hpp>

int count(const weft::chan<void>& c) {
  int events = 0;
#ifdef WEFT_MISUSE
  for (auto v : c) ++events;
#else
  while (c.recv()) ++events;
#endif
  return events;
}
