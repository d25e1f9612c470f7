#include <weft/weft.hpp>

#include <string>

void send(const weft::chan<std::string>& c) {
#ifdef WEFT_MISUSE
  c.send(std::pair(1, 2));
#else
  c.send("text");
#endif
}
