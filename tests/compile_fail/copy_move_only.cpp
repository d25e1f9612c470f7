#include <weft/weft.hpp>

#include <memory>

void send(const weft::chan<std::unique_ptr<int>>& c) {
  auto p = std::make_unique<int>(1);
#ifdef WEFT_MISUSE
  c.send(p);
#else
  c.send(std::move(p));
#endif
}
